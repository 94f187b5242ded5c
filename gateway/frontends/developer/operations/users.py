"""The Developer API's operations on users: get, list, and the four look-ups.

Each is a function of what the caller sees and of the request; it runs in one transaction in a thread."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from gateway.frontends.developer.records.caller_scope import Visible
from gateway.frontends.developer.records.json_records import UserDetail
from gateway.frontends.developer.records.pagination import Listing, answer_list
from gateway.frontends.http.request import Request
from gateway.model.connector import LOCAL
from gateway.model.errors import Conflict, NotFound
from gateway.model.objects import Membership, Origin, User
from gateway.store.objects import memberships, passwords, scoped_queries, users

_MEMBERSHIPS_AT_ONCE = 500

Name = Annotated[str, Meta(min_length=1, max_length=512)]


class _InUnit(Struct, rename="camel"):
    organizational_unit_id: str | None = None


class _ByUsername(Struct, rename="camel"):
    username: Name


class _ByEmail(Struct, rename="camel"):
    email: Name


class _ByPhoneNumber(Struct, rename="camel"):
    phone_number: Name


class _ByExternalId(Struct, rename="camel"):
    user_external_id: Name
    user_source_id: Name
    user_source_type: Name


def get_user(visible: Visible, request: Request) -> UserDetail:
    """GetUser."""
    return visible.user_details([visible.user(request.arguments["user_id"])])[0]


def list_users(visible: Visible, request: Request) -> dict[str, object]:
    """ListUsers: those directly in `organizationalUnitId`; without it, everyone the caller sees."""
    unit_id = request.query_as(_InUnit).organizational_unit_id
    within = visible.organization_ids if not unit_id else frozenset({visible.organization(unit_id).id})
    connection = visible.connection
    listing = Listing(
        purpose=f"users in {unit_id or ''}",
        follow=lambda after, limit: _with_password_set(visible, scoped_queries.users_in(connection, within, after, limit)),
        total=lambda: users.page(connection, within, 0, 0)[1],
        skip=lambda offset, limit: _with_password_set(visible, users.page(connection, within, offset, limit)[0]),
        id_of=lambda item: item[0].id,
    )
    return answer_list(visible.caller, request, listing, lambda item: visible.project.user(item[0], password_set=item[1]))


def _with_password_set(visible: Visible, found: list[User]) -> list[tuple[User, bool]]:
    """Each user, and whether it has a local password."""
    having = passwords.set_among(visible.connection, [user.id for user in found])
    return [(user, user.id in having) for user in found]


def list_groups_for_user(visible: Visible, request: Request) -> dict[str, object]:
    """ListGroupsForUser: the groups the user is a direct member of, as far as the caller sees them."""
    user = visible.user(request.arguments["user_id"])
    known = [membership for membership in _memberships(visible, user.id) if visible.has_group(membership.group_id)]
    listing = Listing(
        purpose=f"groups of {user.id}",
        follow=lambda after, limit: [membership for membership in known if membership.group_id > after][:limit],
        total=lambda: len(known),
        skip=None,
        id_of=lambda membership: membership.group_id,
    )
    return answer_list(visible.caller, request, listing, lambda membership: _membership(visible, membership))


def find_by_username(visible: Visible, request: Request) -> dict[str, str]:
    """GetUserIdByUsername; the case of the name does not matter."""
    username = request.json_as(_ByUsername).username
    return _found(visible, [users.id_by_username(visible.connection, username)], "user name")


def find_by_email(visible: Visible, request: Request) -> dict[str, str]:
    """GetUserIdByEmail; the case of the address does not matter."""
    return _found(visible, scoped_queries.ids_by_email(visible.connection, request.json_as(_ByEmail).email), "mail address")


def find_by_phone_number(visible: Visible, request: Request) -> dict[str, str]:
    """GetUserIdByPhoneNumber; only the digits matter."""
    number = request.json_as(_ByPhoneNumber).phone_number
    return _found(visible, scoped_queries.ids_by_phone_number(visible.connection, number), "telephone number")


def find_by_external_id(visible: Visible, request: Request) -> dict[str, str]:
    """GetUserIdByUserExternalId."""
    asked = request.json_as(_ByExternalId)
    origin = Origin(asked.user_source_type, asked.user_source_id, asked.user_external_id)
    return _found(visible, [users.id_by_origin(visible.connection, origin)], "external id")


def _found(visible: Visible, user_ids: list[str | None] | list[str], what: str) -> dict[str, str]:
    """The one user among these whom the caller sees."""
    there = users.get_many(visible.connection, [user_id for user_id in user_ids if user_id is not None])
    seen = [user.id for user in there.values() if visible.has_any(user.organization_ids)]
    if not seen:
        raise NotFound(f"There is no user with this {what}.")
    if len(seen) > 1:
        raise Conflict(f"Several users have this {what}; look the user up by name or external id.")
    return {"userId": seen[0]}


def _memberships(visible: Visible, user_id: str) -> Iterator[Membership]:
    """All of them: a user is in tens of groups, seldom in hundreds."""
    after = ""
    while batch := memberships.groups_of(visible.connection, user_id, after, _MEMBERSHIPS_AT_ONCE):
        yield from batch
        after = batch[-1].group_id


def _membership(visible: Visible, membership: Membership) -> dict[str, str]:
    """What is said here is said by the instance, as with objects that are made here."""
    instance_id = visible.caller.instance_id
    return {
        "groupId": membership.group_id,
        "groupMemberRelationSourceId": instance_id if membership.source_id == LOCAL else membership.source_id,
        "groupMemberRelationSourceType": membership.source_type,
        "instanceId": instance_id,
    }
