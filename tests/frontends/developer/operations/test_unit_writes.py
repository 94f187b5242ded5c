"""Organizational units that are made, changed, moved and deleted over the API."""

from typing import Any

import pytest
import pytest_twisted

from gateway.model.applications import Scope
from gateway.model.objects import ROOT_ORGANIZATION_ID
from tests.frontends.developer.conftest import World
from tests.frontends.developer.operations.writing import from_source, log_end, made, made_unit, writer


@pytest_twisted.ensureDeferred
async def test_a_unit_is_made_changed_and_moved(world: World) -> None:
    client = writer(world)
    body = {"organizationalUnitName": "Sales", "description": "They sell.", "organizationalUnitExternalId": "hr-s"}
    sales = (await client.done("POST", "/organizationalUnits", body))["organizationalUnitId"]
    assert await client.done("POST", "/organizationalUnits", body) == {"organizationalUnitId": sales}
    unit = await client.get(f"/organizationalUnits/{sales}")
    assert {name: unit[name] for name in body} == body
    assert (unit["parentId"], unit["organizationalUnitSourceType"]) == (ROOT_ORGANIZATION_ID, "build_in")
    await client.done("PATCH", f"/organizationalUnits/{sales}", {"organizationalUnitName": "Sales & Co", "description": ""})
    unit = await client.get(f"/organizationalUnits/{sales}")
    assert (unit["organizationalUnitName"], unit.get("description")) == ("Sales & Co", None)
    team = await made_unit(client, "Team")
    assert await client.done("PATCH", f"/organizationalUnits/{team}/parentId", {"parentId": sales}) == {}
    assert (await client.get(f"/organizationalUnits/{team}/parentIds"))["parentIds"] == [sales, ROOT_ORGANIZATION_ID]


@pytest_twisted.ensureDeferred
async def test_only_an_empty_unit_is_deleted(world: World) -> None:
    client = writer(world)
    sales = await made_unit(client, "Sales")
    anna = await made(client, "anna", primaryOrganizationalUnitId=sales)
    status, code, message = await client.refused("DELETE", f"/organizationalUnits/{sales}")
    assert (status, code) == (409, "Conflict")
    assert "delete or move that first" in message
    await client.done("DELETE", f"/users/{anna}")
    await client.done("DELETE", f"/organizationalUnits/{sales}")
    assert (await client.refused("GET", f"/organizationalUnits/{sales}"))[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "", {}, 400, "organizationalUnitName: is missing."),
        ("POST", "", {"organizationalUnitName": "Sales"}, 409, "another organization named"),
        ("POST", "", {"organizationalUnitName": "x", "parentId": "o-999999"}, 404, "There is no organizational unit"),
        ("PATCH", "/{sales}", {"organizationalUnitName": "IT"}, 409, "another organization named"),
        ("PATCH", "/{sales}/parentId", {"parentId": "{sales}"}, 400, "cannot lie below itself"),
        ("PATCH", "/{sales}/parentId", {"parentId": "{team}"}, 400, "cannot lie below itself"),
        ("PATCH", "/{sales}/parentId", {}, 400, "parentId: is missing."),
        ("PATCH", f"/{ROOT_ORGANIZATION_ID}", {"organizationalUnitName": "x"}, 400, "root"),
        ("DELETE", f"/{ROOT_ORGANIZATION_ID}", None, 400, "root"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_cannot_be_is_refused_and_nothing_is_written(
    world: World, method: str, path: str, body: dict[str, str] | None, status: int, says: str
) -> None:
    client = writer(world)
    names = {"sales": await made_unit(client, "Sales"), "it": await made_unit(client, "IT")}
    names["team"] = await made_unit(client, "Team", names["sales"])
    before = log_end(world)
    filled = {key: value.format(**names) for key, value in body.items()} if body is not None else None
    refused = await client.refused(method, "/organizationalUnits" + path.format(**names), filled)
    assert refused[0] == status
    assert says in refused[2]
    assert log_end(world) == before


@pytest_twisted.ensureDeferred
async def test_a_sources_unit_is_refused_naming_the_source(world: World) -> None:
    carla, client = from_source(world), writer(world)
    berlin = (await client.get(f"/users/{carla}"))["primaryOrganizationalUnitId"]
    cases: list[tuple[str, str, Any]] = [
        ("PATCH", "", {"organizationalUnitName": "x"}),
        ("PATCH", "/parentId", {"parentId": await made_unit(client, "Sales")}),
    ]
    for method, path, body in cases:
        status, code, message = await client.refused(method, f"/organizationalUnits/{berlin}{path}", body)
        assert (status, code) == (409, "DecidedElsewhere")
        assert "berlin" in message


@pytest_twisted.ensureDeferred
async def test_units_are_made_and_moved_within_the_scope(world: World) -> None:
    everything = writer(world, "everything")
    sales, it = await made_unit(everything, "Sales"), await made_unit(everything, "IT")
    narrow = writer(world, "narrow", Scope((sales,)))
    team = await made_unit(narrow, "Team", sales)
    before = log_end(world)
    for method, path, body, status in (
        ("POST", "", {"organizationalUnitName": "x"}, 400),
        ("POST", "", {"organizationalUnitName": "x", "parentId": it}, 404),
        ("POST", "", {"organizationalUnitName": "x", "parentId": ROOT_ORGANIZATION_ID}, 404),
        ("PATCH", f"/{it}", {"organizationalUnitName": "x"}, 404),
        ("PATCH", f"/{team}/parentId", {"parentId": it}, 404),
        ("DELETE", f"/{it}", None, 404),
        ("DELETE", f"/{sales}", None, 403),
        ("PATCH", f"/{sales}/parentId", {"parentId": team}, 403),
    ):
        assert (await narrow.refused(method, f"/organizationalUnits{path}", body))[0] == status, (method, path)
    assert log_end(world) == before
