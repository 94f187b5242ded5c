"""The Developer API's operations on groups: get, list, and the users in one."""

from msgspec import Struct

from gateway.frontends.developer.records.caller_scope import Visible
from gateway.frontends.developer.records.json_records import GroupRecord
from gateway.frontends.developer.records.pagination import Listing, answer_list
from gateway.frontends.http.request import Request
from gateway.model.objects import Kind
from gateway.store.objects import groups, memberships, scoped_queries


class _Named(Struct, rename="camel"):
    group_name_start_with: str | None = None


def get_group(visible: Visible, request: Request) -> GroupRecord:
    """GetGroup."""
    return visible.group_record(visible.group(request.arguments["group_id"]))


def list_groups(visible: Visible, request: Request) -> dict[str, object]:
    """ListGroups: the groups in scope, those that start with `groupNameStartWith` when it is given (in any case)."""
    prefix = request.query_as(_Named).group_name_start_with or ""
    connection, within = visible.connection, visible.scope.group_ids
    listing = Listing(
        purpose=f"groups named {prefix}",
        follow=lambda after, limit: groups.page(connection, prefix, within, after, limit),
        total=lambda: groups.count(connection, prefix, within),
        skip=None,
        id_of=lambda group: group.id,
    )
    return answer_list(visible.caller, request, listing, visible.group_record)


def list_users_for_group(visible: Visible, request: Request) -> dict[str, object]:
    """ListUsersForGroup: the users that are direct members, as far as the caller sees them."""
    group = visible.group(request.arguments["group_id"])
    connection, within = visible.connection, visible.organization_ids

    def total() -> int:
        if within is None:
            return memberships.count_members(connection, group.id, Kind.USER)
        return scoped_queries.count_group_users(connection, group.id, within)

    listing = Listing(
        purpose=f"users of {group.id}",
        follow=lambda after, limit: scoped_queries.group_users(connection, group.id, within, after, limit),
        total=total,
        skip=None,
        id_of=lambda user_id: user_id,
    )
    return answer_list(
        visible.caller, request, listing, lambda user_id: {"instanceId": visible.caller.instance_id, "userId": user_id}
    )
