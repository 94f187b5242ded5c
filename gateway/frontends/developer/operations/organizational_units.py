"""The Developer API's operations on organizational units: get, list below a parent, the way up, the look-up."""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.frontends.developer.records.caller_scope import Visible
from gateway.frontends.developer.records.json_records import UnitRecord
from gateway.frontends.developer.records.next_token import Binding, seal, unseal
from gateway.frontends.developer.records.pagination import Paging
from gateway.frontends.http.request import Request
from gateway.model.errors import NotFound
from gateway.model.objects import Origin
from gateway.store.objects import organizations

Name = Annotated[str, Meta(min_length=1, max_length=512)]


class _Below(Struct, rename="camel"):
    parent_id: str | None = None


class _ByExternalId(Struct, rename="camel"):
    organizational_unit_external_id: Name
    organizational_unit_source_id: Name
    organizational_unit_source_type: Name


def get_unit(visible: Visible, request: Request) -> UnitRecord:
    """GetOrganizationalUnit."""
    return visible.unit_record(visible.organization(request.arguments["organizational_unit_id"]))


def list_units(visible: Visible, request: Request) -> dict[str, object]:
    """ListOrganizationalUnits: the direct children of `parentId`, by name; without it, where the caller's tree begins.

    Children are read by name, so a nextToken here is a place in that order: a unit that is made or renamed while a client
    pages may be met twice or not at all. There are few units below one parent; /export has no such gap.
    """
    parent_id = request.query_as(_Below).parent_id
    paging = request.query_as(Paging)
    binding = Binding(visible.caller.instance_id, visible.caller.application.id, f"units below {parent_id or ''}")
    offset = unseal(binding, paging.next_token, int) if paging.next_token else paging.offset
    if parent_id:
        parent = visible.organization(parent_id)
        found, total = organizations.children(visible.connection, parent.id, offset, paging.limit)
    else:
        tops = visible.top_organizations()
        found, total = tops[offset : offset + paging.limit], len(tops)
    answer = {"data": [visible.unit_record(unit) for unit in found], "totalCount": total, "maxResults": paging.limit}
    following = offset + paging.limit
    return {**answer, "nextToken": seal(binding, following)} if following < total else answer


def list_parent_ids(visible: Visible, request: Request) -> dict[str, list[str]]:
    """ListOrganizationalUnitParentIds: nearest first, as far up as the caller sees."""
    unit = visible.organization(request.arguments["organizational_unit_id"])
    above = organizations.ancestors(visible.connection, unit.id)
    return {"parentIds": [organization_id for organization_id in above if visible.has_organization(organization_id)]}


def find_by_external_id(visible: Visible, request: Request) -> dict[str, str]:
    """GetOrganizationalUnitIdByExternalId."""
    asked = request.json_as(_ByExternalId)
    origin = Origin(
        asked.organizational_unit_source_type, asked.organizational_unit_source_id, asked.organizational_unit_external_id
    )
    unit_id = organizations.id_by_origin(visible.connection, origin)
    if unit_id is None or not visible.has_organization(unit_id):
        raise NotFound("There is no organizational unit with this external id.")
    return {"organizationalUnitId": unit_id}
