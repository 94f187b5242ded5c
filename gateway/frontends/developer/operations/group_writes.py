"""The Developer API's writes of groups. Each reads the request and returns the piece of work that is done in one
transaction."""

from collections.abc import Callable
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.frontends.http.request import Request
from gateway.frontends.scoped_writes import ScopedWork, ScopedWrites
from gateway.model.edits import Edit
from gateway.model.objects import Kind, Value

MAX_USERS = 1_000
"""Users that one request adds to a group or takes out of it."""

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]
Description = Annotated[str, Meta(max_length=1_024)]


class _NewGroup(Struct, rename="camel"):
    group_name: Name
    description: Description | None = None
    group_external_id: Annotated[str, Meta(max_length=256)] = ""


class _GroupChange(Struct, rename="camel"):
    group_name: Name | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET


class _Users(Struct, rename="camel"):
    user_ids: Annotated[list[Id], Meta(min_length=1, max_length=MAX_USERS)]


def create_group(request: Request) -> ScopedWork:
    """CreateGroup, without members."""
    asked = request.json_as(_NewGroup)
    attributes: dict[str, tuple[Value, ...]] = {"name": (asked.group_name,)}
    if asked.description:
        attributes["description"] = (asked.description,)
    return lambda writes: writes.create(Kind.GROUP, Edit(attributes), asked.group_external_id)


def patch_group(request: Request) -> ScopedWork:
    """PatchGroup: what is not named stays."""
    asked = request.json_as(_GroupChange)
    attributes: dict[str, tuple[Value, ...]] = {}
    if asked.group_name is not UNSET:
        attributes["name"] = (asked.group_name,)
    if asked.description is not UNSET:
        attributes["description"] = (asked.description,) if asked.description else ()
    return _changed(request, lambda _: Edit(attributes))


def delete_group(request: Request) -> ScopedWork:
    """DeleteGroup, with its memberships."""
    return lambda writes: writes.delete(Kind.GROUP, request.arguments["group_id"])


def add_users(request: Request) -> ScopedWork:
    """AddUsersToGroup: those that are in it already stay."""
    asked = request.json_as(_Users).user_ids
    return _changed(request, lambda writes: Edit(added_members=writes.members(asked)))


def remove_users(request: Request) -> ScopedWork:
    """RemoveUsersFromGroup: those that are not in it are passed over."""
    asked = request.json_as(_Users).user_ids
    return _changed(request, lambda writes: Edit(removed_members=writes.members(asked)))


def _changed(request: Request, edit: Callable[[ScopedWrites], Edit]) -> ScopedWork:
    return lambda writes: writes.change(Kind.GROUP, request.arguments["group_id"], lambda _: edit(writes))
