"""The Developer API's operations on organizational units: get, list below a parent, the way up, the lookup."""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.directory.application_scope import lookups
from gateway.directory.application_scope.listings import organizations_below
from gateway.frontends.developer.records.caller import CallerView
from gateway.frontends.developer.records.json_records import UnitRecord
from gateway.frontends.developer.records.next_token import seal, unseal
from gateway.frontends.developer.records.pagination import Paging
from gateway.frontends.http.request import Request
from gateway.model.objects import Origin

Name = Annotated[str, Meta(min_length=1, max_length=512)]


class _Below(Paging, rename="camel"):
    parent_id: str | None = None


class _ByExternalId(Struct, rename="camel"):
    organizational_unit_external_id: Name
    organizational_unit_source_id: Name
    organizational_unit_source_type: Name


def get_unit(view: CallerView, request: Request) -> UnitRecord:
    """GetOrganizationalUnit."""
    unit = view.directory.organization(request.arguments["organizational_unit_id"])
    return view.project.unit(view.directory.scoped_organization(unit))


def list_units(view: CallerView, request: Request) -> dict[str, object]:
    """ListOrganizationalUnits: the direct children of `parentId`, by name; without it, the tops of the caller's tree.

    Children are read by name, so a nextToken here is a place in that order: a unit that is made or renamed while a client
    pages may be met twice or not at all. There are few units below one parent; /export has no such gap.
    """
    paging = request.query_as(_Below)
    parent_id = paging.parent_id
    binding = view.caller.binding(f"units below {parent_id or ''}")
    offset = unseal(binding, paging.next_token, int) if paging.next_token else paging.offset
    found, total = organizations_below(view.directory, parent_id, offset, paging.limit)
    data = [view.project.unit(view.directory.scoped_organization(unit)) for unit in found]
    answer = {"data": data, "totalCount": total, "maxResults": paging.limit}
    following = offset + paging.limit
    return {**answer, "nextToken": seal(binding, following)} if following < total else answer


def list_parent_ids(view: CallerView, request: Request) -> dict[str, list[str]]:
    """ListOrganizationalUnitParentIds: nearest first, as far up as the caller sees."""
    unit = view.directory.organization(request.arguments["organizational_unit_id"])
    return {"parentIds": view.directory.ancestor_ids(unit.id)}


def find_by_external_id(view: CallerView, request: Request) -> dict[str, str]:
    """GetOrganizationalUnitIdByExternalId."""
    asked = request.json_as(_ByExternalId)
    origin = Origin(
        asked.organizational_unit_source_type, asked.organizational_unit_source_id, asked.organizational_unit_external_id
    )
    return {"organizationalUnitId": lookups.organization_id_by_origin(view.directory, origin)}
