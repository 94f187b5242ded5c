"""Routes of the Developer API: `/v2/{instanceId}/{applicationId}/…`, each tied to one function, and the check of the caller.

A reading function gets the caller's view and the request, runs in one transaction (in a thread, or inline when it finds a few
rows in an embedded store), and returns JSON values. A writing one reads the request and returns what is done in one
transaction."""

from collections.abc import Awaitable, Callable, Collection
from typing import TypeAlias

import msgspec
from twisted.internet.interfaces import IReactorTime

from gateway.changelog.tail import Tail
from gateway.directory.authentication.password_change import PasswordChanges
from gateway.frontends.developer.feed.changes_endpoint import ChangesEndpoint
from gateway.frontends.developer.feed.export import export
from gateway.frontends.developer.oauth.client_lockout import Lockout
from gateway.frontends.developer.oauth.endpoints import TokenEndpoint, now
from gateway.frontends.developer.operations import (
    group_writes,
    groups,
    organizational_units,
    unit_writes,
    user_writes,
    users,
)
from gateway.frontends.developer.operations.new_users import NewUsers
from gateway.frontends.developer.operations.passwords import PasswordEndpoints
from gateway.frontends.developer.operations.write_endpoint import Record, WriteEndpoint
from gateway.frontends.developer.records.caller import Admitted, Caller, CallerView, view_of
from gateway.frontends.developer.records.entity_tag import entity_tag, matches
from gateway.frontends.http.authorization_header import bearer_token, refused_token
from gateway.frontends.http.errors import HttpError
from gateway.frontends.http.request import Answer, Request, Stream, json_answer, json_body
from gateway.frontends.http.router import Handler, Route
from gateway.frontends.scoped_writes import ScopedWork
from gateway.model.errors import NotFound
from gateway.store.clients import access_tokens, applications
from gateway.store.engine.database import Connection, Database
from gateway.store.operations.instance import instance_id, token_keys
from gateway.sync.local.writer import Writer

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

WRITING: tuple[tuple[str, str, str, Callable[[Request], ScopedWork], Record | None, str], ...] = (
    ("PatchUser", "PATCH", _USER, user_writes.patch_user, users.get_user, ""),
    ("DeleteUser", "DELETE", _USER, user_writes.delete_user, users.get_user, ""),
    ("EnableUser", "POST", f"{_USER}/actions/enable", user_writes.enable_user, users.get_user, ""),
    ("DisableUser", "POST", f"{_USER}/actions/disable", user_writes.disable_user, users.get_user, ""),
    (
        "SetUserPrimaryOrganizationalUnit",
        "POST",
        f"{_USER}/actions/setUserPrimaryOrganizationalUnit",
        user_writes.set_primary_unit,
        users.get_user,
        "",
    ),
    (
        "AddUserToOrganizationalUnits",
        "POST",
        f"{_USER}/actions/addUserToOrganizationalUnits",
        user_writes.add_to_units,
        users.get_user,
        "",
    ),
    (
        "RemoveUserFromOrganizationalUnits",
        "POST",
        f"{_USER}/actions/removeUserFromOrganizationalUnits",
        user_writes.remove_from_units,
        users.get_user,
        "",
    ),
    (
        "CreateOrganizationalUnit",
        "POST",
        "/organizationalUnits",
        unit_writes.create_unit,
        None,
        "organizationalUnitId",
    ),
    ("PatchOrganizationalUnit", "PATCH", _UNIT, unit_writes.patch_unit, organizational_units.get_unit, ""),
    ("DeleteOrganizationalUnit", "DELETE", _UNIT, unit_writes.delete_unit, organizational_units.get_unit, ""),
    (
        "PatchOrganizationalUnitParentId",
        "PATCH",
        f"{_UNIT}/parentId",
        unit_writes.move_unit,
        organizational_units.get_unit,
        "",
    ),
    ("CreateGroup", "POST", "/groups", group_writes.create_group, None, "groupId"),
    ("PatchGroup", "PATCH", _GROUP, group_writes.patch_group, groups.get_group, ""),
    ("DeleteGroup", "DELETE", _GROUP, group_writes.delete_group, groups.get_group, ""),
    ("AddUsersToGroup", "POST", f"{_GROUP}/actions/addUsersToGroup", group_writes.add_users, groups.get_group, ""),
    ("RemoveUsersFromGroup", "POST", f"{_GROUP}/actions/removeUsersFromGroup", group_writes.remove_users, groups.get_group, ""),
)
"""Operation, method, path, what it does, the record that If-Match is about, and the name of the id in the answer."""

FEW = frozenset(
    {
        users.get_user,
        users.find_by_username,
        users.find_by_external_id,
        organizational_units.get_unit,
        organizational_units.list_parent_ids,
        organizational_units.find_by_external_id,
        groups.get_group,
    }
)
"""The operations that find a few rows by their keys, and may be answered where the request stands."""

_TAGGED = frozenset({users.get_user, organizational_units.get_unit, groups.get_group})
"""The operations whose answer has an entity tag: one record."""


class DeveloperApi:
    """The Developer API over a store. `tail` wakes the readers of /changes; `clock` gives the time they wait; `changes`
    changes passwords where they are kept; `writer` writes; `sources`: the names of the configured ones."""

    def __init__(
        self,
        database: Database,
        tail: Tail,
        changes: PasswordChanges,
        writer: Writer,
        *,
        clock: IReactorTime,
        sources: Collection[str] = (),
    ) -> None:
        self._database = database
        self._feed = ChangesEndpoint(database, tail, clock)
        self._passwords = PasswordEndpoints(database, changes)
        self._writes = WriteEndpoint(database, writer, sources)
        self._new_users = NewUsers(self._writes, changes)
        self._instance_id: str | None = None
        self._tokens = TokenEndpoint(database, Lockout(clock.seconds), clock)

    def routes(self) -> list[Route]:
        """Return all routes of the API, for `make_site`."""
        tables = [
            *((name, method, path, self._reading(operation)) for name, method, path, operation in READING),
            ("GetUserInfo", "GET", "/oauth2/userinfo", self._reading(users.user_info)),
            ("CreateUser", "POST", "/users", self._admitting(self._new_users.create)),
            *(
                (name, method, path, self._writing(name, plan, record, id_name))
                for name, method, path, plan, record, id_name in WRITING
            ),
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
                body = json_body(operation(admitted(connection), request))
                return _tagged(request, body) if operation in _TAGGED else Answer(body=body)

            return await (self._database.read_few(work) if operation in FEW else self._database.read(work))

        return handler

    def _writing(self, name: str, plan: Callable[[Request], ScopedWork], record: Record | None, id_name: str) -> Handler:
        async def handler(request: Request, admitted: Admitted) -> Answer:
            await self._writes.check(admitted)
            written = await self._writes.carry_out(name, request, admitted, plan(request), record=record)
            return json_answer({id_name: written.object_id} if id_name else {})

        return self._admitting(handler)

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


def _tagged(request: Request, body: bytes) -> Answer:
    """Return a record with its entity tag; 304 without it for a caller that has it (RFC 9110 §13.1.2)."""
    tag = entity_tag(body)
    known = request.headers.get("if-none-match")
    if known is not None and matches(known, tag, weakly=True):
        return Answer(304, headers={"ETag": tag})
    return Answer(body=body, headers={"ETag": tag})
