"""Groups that are made, changed and deleted over the API, and their members."""

import pytest
import pytest_twisted

from gateway.model.applications import Scope
from tests.frontends.developer.conftest import Client, World
from tests.frontends.developer.operations.writing import from_source, log_end, made, made_group, made_unit, writer


async def members(client: Client, group_id: str) -> set[str]:
    found = await client.get(f"/groups/{group_id}/actions/listUsersForGroup")
    return {one["userId"] for one in found["data"]}


@pytest_twisted.ensureDeferred
async def test_a_group_is_made_changed_filled_and_deleted(world: World) -> None:
    client = writer(world)
    body = {"groupName": "staff", "groupExternalId": "hr-g"}
    staff = (await client.done("POST", "/groups", body))["groupId"]
    assert await client.done("POST", "/groups", body) == {"groupId": staff}
    group = await client.get(f"/groups/{staff}")
    assert {name: group[name] for name in body} == body
    await client.done("PATCH", f"/groups/{staff}", {"groupName": "everyone", "description": "All of us"})
    group = await client.get(f"/groups/{staff}")
    assert (group["groupName"], group["description"]) == ("everyone", "All of us")
    anna, bob = await made(client, "anna"), await made(client, "bob")
    await client.done("POST", f"/groups/{staff}/actions/addUsersToGroup", {"userIds": [anna, bob, anna]})
    await client.done("POST", f"/groups/{staff}/actions/addUsersToGroup", {"userIds": [anna]})
    assert await members(client, staff) == {anna, bob}
    await client.done("POST", f"/groups/{staff}/actions/removeUsersFromGroup", {"userIds": [anna]})
    await client.done("POST", f"/groups/{staff}/actions/removeUsersFromGroup", {"userIds": [anna]})
    assert await members(client, staff) == {bob}
    await client.done("DELETE", f"/groups/{staff}")
    assert (await client.refused("GET", f"/groups/{staff}"))[0] == 404
    assert [one["groupId"] for one in (await client.get(f"/users/{bob}"))["groups"]] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "", {}, 400, "groupName: is missing."),
        ("POST", "", {"groupName": "STAFF"}, 409, "another group named"),
        ("PATCH", "/{staff}", {"groupName": "board"}, 409, "another group named"),
        ("POST", "/{staff}/actions/addUsersToGroup", {"userIds": ["u-999999"]}, 404, "There is no user"),
        ("POST", "/{staff}/actions/addUsersToGroup", {"userIds": []}, 400, "userIds"),
        ("POST", "/{staff}/actions/addUsersToGroup", {"userIds": "x"}, 400, "userIds"),
        ("POST", "/g-999999/actions/addUsersToGroup", {"userIds": ["x"]}, 404, "There is no group"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_cannot_be_is_refused_and_nothing_is_written(
    world: World, method: str, path: str, body: dict[str, object], status: int, says: str
) -> None:
    client = writer(world)
    staff = await made_group(client, "staff")
    await made_group(client, "board")
    before = log_end(world)
    refused = await client.refused(method, "/groups" + path.format(staff=staff), body)
    assert refused[0] == status
    assert says in refused[2]
    assert log_end(world) == before


@pytest_twisted.ensureDeferred
async def test_a_sources_group_is_refused_naming_the_source(world: World) -> None:
    carla, client = from_source(world), writer(world)
    [team] = [one["groupId"] for one in (await client.get(f"/users/{carla}"))["groups"]]
    for method, path, body in (
        ("PATCH", "", {"groupName": "x"}),
        ("DELETE", "", None),
        ("POST", "/actions/addUsersToGroup", {"userIds": [await made(client, "anna")]}),
        ("POST", "/actions/removeUsersFromGroup", {"userIds": [carla]}),
    ):
        status, code, message = await client.refused(method, f"/groups/{team}{path}", body)
        assert (status, code) == (409, "DecidedElsewhere"), path
        assert "berlin" in message


@pytest_twisted.ensureDeferred
async def test_a_sources_person_joins_a_group_that_was_made_here(world: World) -> None:
    carla, client = from_source(world), writer(world)
    staff = await made_group(client, "staff")
    await client.done("POST", f"/groups/{staff}/actions/addUsersToGroup", {"userIds": [carla]})
    assert await members(client, staff) == {carla}


@pytest_twisted.ensureDeferred
async def test_an_application_writes_the_groups_and_adds_the_people_that_it_sees(world: World) -> None:
    everything = writer(world, "everything")
    sales, staff, board = (
        await made_unit(everything, "Sales"),
        await made_group(everything, "staff"),
        await made_group(everything, "board"),
    )
    eve = await made(everything, "eve")
    narrow = writer(world, "narrow", Scope((sales,), (staff,)))
    anna = await made(narrow, "anna")
    await narrow.done("POST", f"/groups/{staff}/actions/addUsersToGroup", {"userIds": [anna]})
    before = log_end(world)
    for path, user_id, status in (("addUsersToGroup", eve, 404), ("removeUsersFromGroup", eve, 404)):
        assert (await narrow.refused("POST", f"/groups/{staff}/actions/{path}", {"userIds": [user_id]}))[0] == status
    assert (await narrow.refused("PATCH", f"/groups/{board}", {"groupName": "x"}))[0] == 404
    assert (await narrow.refused("POST", "/groups", {"groupName": "x"}))[:2] == (403, "Forbidden")
    blind = writer(world, "blind", attributes=frozenset({"cn"}))
    added = {"userIds": [anna]}
    assert (await blind.refused("POST", f"/groups/{staff}/actions/addUsersToGroup", added))[:2] == (403, "Forbidden")
    assert log_end(world) == before
