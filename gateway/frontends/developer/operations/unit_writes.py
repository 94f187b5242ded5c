"""The Developer API's writes of organizational units. Each reads the request and returns the piece of work that is done in one
transaction."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.frontends.http.request import Request
from gateway.frontends.scoped_writes import ScopedWork, ScopedWrites
from gateway.model.edits import Edit
from gateway.model.objects import Kind, Value
from gateway.sync.local.source import Written

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]
Description = Annotated[str, Meta(max_length=1_024)]


class _NewUnit(Struct, rename="camel"):
    organizational_unit_name: Name
    parent_id: Id | None = None
    description: Description | None = None
    organizational_unit_external_id: Annotated[str, Meta(max_length=256)] = ""


class _UnitChange(Struct, rename="camel"):
    organizational_unit_name: Name | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET


class _Parent(Struct, rename="camel"):
    parent_id: Id


def create_unit(request: Request) -> ScopedWork:
    """CreateOrganizationalUnit: below `parentId`, else at the top, for an application that sees everything."""
    asked = request.json_as(_NewUnit)
    attributes: dict[str, tuple[Value, ...]] = {"name": (asked.organizational_unit_name,)}
    if asked.description:
        attributes["description"] = (asked.description,)
    edit = Edit(attributes, (asked.parent_id,) if asked.parent_id else None)
    return lambda writes: writes.create(Kind.ORGANIZATION, edit, asked.organizational_unit_external_id)


def patch_unit(request: Request) -> ScopedWork:
    """PatchOrganizationalUnit: what is not named stays."""
    asked = request.json_as(_UnitChange)
    attributes: dict[str, tuple[Value, ...]] = {}
    if asked.organizational_unit_name is not UNSET:
        attributes["name"] = (asked.organizational_unit_name,)
    if asked.description is not UNSET:
        attributes["description"] = (asked.description,) if asked.description else ()
    return _changed(request, Edit(attributes))


def move_unit(request: Request) -> ScopedWork:
    """PatchOrganizationalUnitParentId: with everything below it."""
    parent_id = request.json_as(_Parent).parent_id

    def work(writes: ScopedWrites) -> Written:
        writes.seen(Kind.ORGANIZATION, parent_id)
        return _changed(request, Edit(organizations=(parent_id,)))(writes)

    return work


def delete_unit(request: Request) -> ScopedWork:
    """DeleteOrganizationalUnit: an empty one."""
    return lambda writes: writes.delete(Kind.ORGANIZATION, request.arguments["organizational_unit_id"])


def _changed(request: Request, edit: Edit) -> ScopedWork:
    return lambda writes: writes.change(Kind.ORGANIZATION, request.arguments["organizational_unit_id"], lambda _: edit)
