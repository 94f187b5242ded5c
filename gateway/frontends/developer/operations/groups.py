"""The Developer API's operations on groups: get, list, and the users in one."""

from gateway.directory.application_scope import listings
from gateway.frontends.developer.records.caller import CallerView
from gateway.frontends.developer.records.json_records import GroupRecord
from gateway.frontends.developer.records.pagination import Paging, answer_list
from gateway.frontends.http.request import Request


class _NamePrefix(Paging, rename="camel"):
    group_name_start_with: str | None = None


def get_group(view: CallerView, request: Request) -> GroupRecord:
    """GetGroup."""
    return view.project.group(view.directory.group(request.arguments["group_id"]))


def list_groups(view: CallerView, request: Request) -> dict[str, object]:
    """ListGroups: the groups in scope, those that start with `groupNameStartWith` when it is given (in any case)."""
    asked = request.query_as(_NamePrefix)
    prefix = asked.group_name_start_with or ""
    listing = listings.list_groups(view.directory, prefix)
    return answer_list(view.caller, asked, f"groups named {prefix}", listing, view.project.group)


def list_users_for_group(view: CallerView, request: Request) -> dict[str, object]:
    """ListUsersForGroup: the users that are direct members, as far as the caller sees them."""
    group = view.directory.group(request.arguments["group_id"])
    listing = listings.list_users_of_group(view.directory, group)
    instance_id = view.caller.instance_id
    return answer_list(
        view.caller,
        request.query_as(Paging),
        f"users of {group.id}",
        listing,
        lambda user_id: {"instanceId": instance_id, "userId": user_id},
    )
