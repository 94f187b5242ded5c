"""Routes of the Developer API: `/v2/{instanceId}/{applicationId}/…`, each tied to one function, and the check of the caller.

A reading function gets the caller's view and the request, runs in a thread in one transaction, and returns JSON values."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec
from twisted.internet.interfaces import IReactorTime

from gateway.changelog.tail import Tail
from gateway.directory.authentication.password_change import PasswordChanges
from gateway.frontends.developer.feed.changes_endpoint import ChangesEndpoint
from gateway.frontends.developer.feed.export import export
from gateway.frontends.developer.oauth.client_lockout import Lockout
from gateway.frontends.developer.oauth.endpoints import TokenEndpoint, now
from gateway.frontends.developer.operations import groups, organizational_units, refused_writes, users
from gateway.frontends.developer.operations.passwords import PasswordEndpoints
from gateway.frontends.developer.records.caller import Admitted, Caller, CallerView, view_of
from gateway.frontends.http.authorization_header import bearer_token, refused_token
from gateway.frontends.http.errors import HttpError
from gateway.frontends.http.request import Answer, Request, Stream
from gateway.frontends.http.router import Handler, Route
from gateway.model.errors import NotFound
from gateway.store.clients import access_tokens, applications
from gateway.store.engine.database import Connection, Database
from gateway.store.operations.instance import instance_id, token_keys

Operation: TypeAlias = Callable[[CallerView, Request], object]

BASE = "/v2/<instance_id>/<application_id>"


def _provisioning_scope(view: CallerView, _: Request) -> dict[str, object]:
    """GetApplicationProvisioningScope. No restriction by group is shown as no groupIds."""
    scope = view.directory.scope
    answer: dict[str, object] = {"organizationalUnitIds": scope.organization_ids}
    return answer if scope.group_ids is None else {**answer, "groupIds": scope.group_ids}


class _NoParameters(msgspec.Struct):
    """The query of what takes none: it gives everything, and what looks like a filter would be passed over."""


_USER = "/users/<user_id>"
_UNIT = "/organizationalUnits/<organizational_unit_id>"
_GROUP = "/groups/<group_id>"

READING: tuple[tuple[str, str, str, Operation], ...] = (
    ("GetApplicationProvisioningScope", "GET", "/provisioningScope", _provisioning_scope),
    ("GetUser", "GET", _USER, users.get_user),
    ("ListUsers", "GET", "/users", users.list_users),
    ("ListGroupsForUser", "GET", f"{_USER}/actions/listGroupsForUser", users.list_groups_for_user),
    ("GetUserIdByUsername", "POST", "/users/_/actions/getUserIdByUsername", users.find_by_username),
    ("GetUserIdByEmail", "POST", "/users/_/actions/getUserIdByEmail", users.find_by_email),
    ("GetUserIdByPhoneNumber", "POST", "/users/_/actions/getUserIdByPhoneNumber", users.find_by_phone_number),
    ("GetUserIdByUserExternalId", "POST", "/users/_/actions/getUserIdByExternalId", users.find_by_external_id),
    ("GetOrganizationalUnit", "GET", _UNIT, organizational_units.get_unit),
    ("ListOrganizationalUnits", "GET", "/organizationalUnits", organizational_units.list_units),
    ("ListOrganizationalUnitParentIds", "GET", f"{_UNIT}/parentIds", organizational_units.list_parent_ids),
    (
        "GetOrganizationalUnitIdByExternalId",
        "POST",
        "/organizationalUnits/_/actions/getOrganizationalUnitIdByExternalId",
        organizational_units.find_by_external_id,
    ),
    ("GetGroup", "GET", _GROUP, groups.get_group),
    ("ListGroups", "GET", "/groups", groups.list_groups),
    ("ListUsersForGroup", "GET", f"{_GROUP}/actions/listUsersForGroup", groups.list_users_for_group),
)

REFUSED: tuple[tuple[str, str, str, Operation], ...] = (
    ("GetUserInfo", "GET", "/oauth2/userinfo", refused_writes.user_info),
    ("CreateUser", "POST", "/users", refused_writes.create("Users")),
    ("CreateOrganizationalUnit", "POST", "/organizationalUnits", refused_writes.create("Organizational units")),
    ("CreateGroup", "POST", "/groups", refused_writes.create("Groups")),
    ("PatchUser", "PATCH", _USER, refused_writes.write_user),
    ("DeleteUser", "DELETE", _USER, refused_writes.write_user),
    ("EnableUser", "POST", f"{_USER}/actions/enable", refused_writes.write_user),
    ("DisableUser", "POST", f"{_USER}/actions/disable", refused_writes.write_user),
    (
        "SetUserPrimaryOrganizationalUnit",
        "POST",
        f"{_USER}/actions/setUserPrimaryOrganizationalUnit",
        refused_writes.write_user,
    ),
    ("AddUserToOrganizationalUnits", "POST", f"{_USER}/actions/addUserToOrganizationalUnits", refused_writes.write_user),
    (
        "RemoveUserFromOrganizationalUnits",
        "POST",
        f"{_USER}/actions/removeUserFromOrganizationalUnits",
        refused_writes.write_user,
    ),
    ("PatchOrganizationalUnit", "PATCH", _UNIT, refused_writes.write_unit),
    ("DeleteOrganizationalUnit", "DELETE", _UNIT, refused_writes.write_unit),
    ("PatchOrganizationalUnitParentId", "PATCH", f"{_UNIT}/parentId", refused_writes.write_unit),
    ("PatchGroup", "PATCH", _GROUP, refused_writes.write_group),
    ("DeleteGroup", "DELETE", _GROUP, refused_writes.write_group),
    ("AddUsersToGroup", "POST", f"{_GROUP}/actions/addUsersToGroup", refused_writes.write_group),
    ("RemoveUsersFromGroup", "POST", f"{_GROUP}/actions/removeUsersFromGroup", refused_writes.write_group),
)


class DeveloperApi:
    """The Developer API over a store. `tail` wakes the readers of /changes; `clock` gives the time they wait; `changes`
    changes passwords where they are kept."""

    def __init__(self, database: Database, tail: Tail, changes: PasswordChanges, *, clock: IReactorTime) -> None:
        self._database = database
        self._feed = ChangesEndpoint(database, tail, clock)
        self._passwords = PasswordEndpoints(database, changes)
        self._instance_id: str | None = None
        self._tokens = TokenEndpoint(database, Lockout(clock.seconds), clock)

    def routes(self) -> list[Route]:
        """Return all routes of the API, for `make_site`."""
        tables = [
            *((name, method, path, self._reading(operation)) for name, method, path, operation in (*READING, *REFUSED)),
            ("GenerateToken", "POST", "/oauth2/token", self._of_instance(self._tokens.token)),
            ("RevokeToken", "POST", "/oauth2/revoke", self._of_instance(self._tokens.revoke)),
            ("ListChanges", "GET", "/changes", self._changes),
            ("Export", "GET", "/export", self._export),
            *((name, method, path, self._admitting(handler)) for name, method, path, handler in self._password_routes()),
        ]
        return [Route(method, BASE + path, name, handler) for name, method, path, handler in tables]

    def _reading(self, operation: Operation) -> Handler:
        async def handler(request: Request) -> Answer:
            admitted = await self._admit(request)

            def work(connection: Connection) -> Answer:
                return Answer(body=_ENCODER.encode(operation(admitted(connection), request)))

            return await self._database.read(work)

        return handler

    def _password_routes(self) -> tuple[tuple[str, str, str, Callable[[Request, Admitted], Awaitable[Answer]]], ...]:
        own, passwords = f"{_USER}/applicationPasswords", self._passwords
        return (
            ("UpdateUserPassword", "POST", f"{_USER}/actions/updateUserPassword", passwords.set),
            ("ClearUserPassword", "POST", f"{_USER}/actions/clearUserPassword", passwords.clear),
            ("ListApplicationPasswords", "GET", own, passwords.list_all),
            ("CreateApplicationPassword", "POST", own, passwords.add),
            ("DeleteApplicationPassword", "DELETE", f"{own}/<application_password_id>", passwords.remove),
        )

    def _admitting(self, handler: Callable[[Request, Admitted], Awaitable[Answer]]) -> Handler:
        async def admitting(request: Request) -> Answer:
            return await handler(request, await self._admit(request))

        return admitting

    def _of_instance(self, handler: Handler) -> Handler:
        async def checked(request: Request) -> Answer | Stream:
            await self._checked_instance(request)
            return await handler(request)

        return checked

    async def _changes(self, request: Request) -> Answer:
        return await self._feed.answer(request, await self._admit(request))

    async def _export(self, request: Request) -> Stream:
        request.query_as(_NoParameters)
        admitted = await self._admit(request)
        token = bearer_token(request)
        caller, expires_at = await self._database.read(
            lambda connection: (admitted(connection).caller, access_tokens.expiry(connection, token))
        )

        def check(connection: Connection) -> None:
            """Raise HttpError when the rights are not those with which the export began. A token may expire meanwhile."""
            valid = expires_at is None or now() >= expires_at or access_tokens.find(connection, token, now())
            if not valid or applications.get(connection, caller.application.id) != caller.application:
                raise refused_token()

        return Stream(export(self._database, caller, check))

    async def _admit(self, request: Request) -> Admitted:
        """Return the function that authenticates the caller in a transaction: token and rights are checked in each."""
        token, own_instance_id = bearer_token(request), await self._checked_instance(request)
        return lambda connection: view_of(connection, admit(connection, own_instance_id, token, request))

    async def _checked_instance(self, request: Request) -> str:
        """Return the store's instance id, which never changes. Raises NotFound when the path names another."""
        if self._instance_id is None:
            self._instance_id = await self._database.read(instance_id)
        if request.arguments["instance_id"] != self._instance_id:
            raise NotFound(f"There is no instance {request.arguments['instance_id'][:64]} here.")
        return self._instance_id


def admit(connection: Connection, own_instance_id: str, token: str, request: Request) -> Caller:
    """Return the caller that holds the token. Raises HttpError 401 for a token that is not valid, 403 for one of another
    application than the path names."""
    application_id = access_tokens.find(connection, token, now())
    application = None if application_id is None else applications.get(connection, application_id)
    if application is None:
        raise refused_token()
    if application.id != request.arguments["application_id"]:
        raise HttpError(403, "Forbidden", "The token was given to another application than the path names.")
    return Caller(own_instance_id, application, token_keys(connection))


_ENCODER = msgspec.json.Encoder()
