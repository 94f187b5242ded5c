"""The Developer API's operations on users: get, list, the four lookups, and GetUserInfo.

Each is a function of the caller's view and of the request; it runs in one transaction."""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.directory.application_scope import listings, lookups
from gateway.frontends.developer.records.caller import CallerView
from gateway.frontends.developer.records.json_records import UserDetail
from gateway.frontends.developer.records.pagination import Paging, answer_list
from gateway.frontends.http.errors import HttpError
from gateway.frontends.http.request import Request
from gateway.model.connector import LOCAL
from gateway.model.objects import Membership, Origin

Name = Annotated[str, Meta(min_length=1, max_length=512)]


class _InUnit(Paging, rename="camel"):
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


def get_user(view: CallerView, request: Request) -> UserDetail:
    """GetUser."""
    user = view.directory.user(request.arguments["user_id"])
    return view.project.user_detail(view.directory.scoped_users([user])[0])


def list_users(view: CallerView, request: Request) -> dict[str, object]:
    """ListUsers: those directly in `organizationalUnitId`; without it, every user that the caller sees."""
    asked = request.query_as(_InUnit)
    unit_id = asked.organizational_unit_id
    listing = listings.list_users(view.directory, unit_id)
    return answer_list(
        view.caller,
        asked,
        f"users in {unit_id or ''}",
        listing,
        lambda listed: view.project.user(listed.user, password_set=listed.password_set),
    )


def list_groups_for_user(view: CallerView, request: Request) -> dict[str, object]:
    """ListGroupsForUser: the groups the user is a direct member of, as far as the caller sees them."""
    user = view.directory.user(request.arguments["user_id"])
    listing = listings.list_groups_of_user(view.directory, user)
    return answer_list(
        view.caller,
        request.query_as(Paging),
        f"groups of {user.id}",
        listing,
        lambda membership: _membership(view.caller.instance_id, membership),
    )


def find_by_username(view: CallerView, request: Request) -> dict[str, str]:
    """GetUserIdByUsername; the case of the name does not matter."""
    return {"userId": lookups.user_id_by_username(view.directory, request.json_as(_ByUsername).username)}


def find_by_email(view: CallerView, request: Request) -> dict[str, str]:
    """GetUserIdByEmail; the case of the address does not matter."""
    return {"userId": lookups.user_id_by_email(view.directory, request.json_as(_ByEmail).email)}


def find_by_phone_number(view: CallerView, request: Request) -> dict[str, str]:
    """GetUserIdByPhoneNumber; only the digits matter."""
    return {"userId": lookups.user_id_by_phone_number(view.directory, request.json_as(_ByPhoneNumber).phone_number)}


def find_by_external_id(view: CallerView, request: Request) -> dict[str, str]:
    """GetUserIdByUserExternalId."""
    asked = request.json_as(_ByExternalId)
    origin = Origin(asked.user_source_type, asked.user_source_id, asked.user_external_id)
    return {"userId": lookups.user_id_by_origin(view.directory, origin)}


def _membership(instance_id: str, membership: Membership) -> dict[str, str]:
    """Return the record of a membership; one that was made here has the instance as its source, as objects have."""
    return {
        "groupId": membership.group_id,
        "groupMemberRelationSourceId": instance_id if membership.source_id == LOCAL else membership.source_id,
        "groupMemberRelationSourceType": membership.source_type,
        "instanceId": instance_id,
    }


def user_info(_view: CallerView, _: Request) -> object:
    """GetUserInfo: tells of the user whom a token stands for, and the tokens given here stand for applications."""
    raise HttpError(403, "InsufficientScope", "The token stands for an application, not for a user; use GetUser.")
