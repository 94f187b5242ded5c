"""Both paging styles on every list, and tokens that are refused unless they were given for exactly this list."""

from typing import Any

import pytest
import pytest_twisted

from gateway.store.operations import instance
from tests.directory.application_scope.stored_directory import person
from tests.frontends.developer.conftest import Client, World

COUNT = 7


@pytest.fixture
def lists(world: World) -> tuple[Client, dict[str, str]]:
    """Every list of the API has seven items."""
    directory = world.directory
    unit = directory.add_unit("unit")
    for number in range(COUNT):
        directory.add_unit(f"below{number}", unit)
    people = [directory.add_user(f"user{number}", unit) for number in range(COUNT)]
    groups = [directory.add_group(f"group{number}", person(people[0])) for number in range(COUNT - 1)]
    groups.append(directory.add_group("all", *map(person, people)))
    paths = {
        "users": "/users?",
        "users in unit": f"/users?organizationalUnitId={unit}&",
        "units": f"/organizationalUnits?parentId={unit}&",
        "groups": "/groups?",
        "groups of user": f"/users/{people[0]}/actions/listGroupsForUser?",
        "users of group": f"/groups/{groups[-1]}/actions/listUsersForGroup?",
    }
    return world.client("a"), paths


LISTS = ["users", "users in unit", "units", "groups", "groups of user", "users of group"]


@pytest.mark.parametrize("name", LISTS)
@pytest_twisted.ensureDeferred
async def test_a_list_is_the_same_by_numbers_and_by_tokens(lists: tuple[Client, dict[str, str]], name: str) -> None:
    client, path = lists[0], lists[1][name]
    whole = (await client.get(f"{path}pageSize=100"))["data"]
    assert len(whole) == COUNT
    by_number: list[Any] = []
    for number in (1, 2, 3, 4):
        page = await client.get(f"{path}pageNumber={number}&pageSize=3")
        assert page["totalCount"] == COUNT
        by_number += page["data"]
    by_token, token = [], ""
    while True:
        page = await client.get(f"{path}maxResults=3{token}")
        by_token += page["data"]
        if "nextToken" not in page:
            break
        token = f"&nextToken={page['nextToken']}"
    assert by_number == by_token == whole


@pytest.mark.parametrize("name", LISTS)
@pytest_twisted.ensureDeferred
async def test_a_token_of_another_list_or_application_is_refused(
    world: World, lists: tuple[Client, dict[str, str]], name: str
) -> None:
    client, paths = lists
    token = (await client.get(f"{paths[name]}maxResults=2"))["nextToken"]
    for other in (*(path for list_name, path in paths.items() if list_name != name), "/changes?"):
        answer = await client.call("GET", f"{other}nextToken={token}")
        assert (answer.status, answer.json["code"]) == (400, "InvalidParameter")
    foreign = world.client("b")
    assert (await foreign.call("GET", f"{paths[name]}nextToken={token}")).status == 400


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("pageSize=0", "pageSize"),
        ("pageSize=101", "pageSize: must be a whole number from 1 to 100."),
        ("maxResults=101", "maxResults"),
        ("pageNumber=0", "pageNumber"),
        ("pageNumber=x", "pageNumber: must be a whole number from 1 on."),
        ("pageNumber=99999999999999999999", "pageNumber"),
        ("pageNumber=10000000", "pageNumber"),
        ("nextToken=abc", "nextToken"),
        ("nextToken=%C3%BC", "nextToken"),
        ("nextToken=" + "x" * 2000, "nextToken"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_wrong_parameter_is_refused_by_name(lists: tuple[Client, dict[str, str]], query: str, says: str) -> None:
    answer = await lists[0].call("GET", f"/users?{query}")
    assert (answer.status, answer.json["code"]) == (400, "InvalidParameter")
    assert answer.json["message"].startswith(says)


@pytest_twisted.ensureDeferred
async def test_a_token_goes_on_behind_its_item_although_others_came_and_went(
    world: World, lists: tuple[Client, dict[str, str]]
) -> None:
    client, paths = lists
    first = await client.get(f"{paths['users']}maxResults=3")
    world.directory.delete_user(first["data"][1]["userId"])
    second = await client.get(f"{paths['users']}maxResults=100&nextToken={first['nextToken']}")
    assert [user["username"] for user in second["data"]] == ["user3", "user4", "user5", "user6"]


@pytest_twisted.ensureDeferred
async def test_a_token_lives_through_one_rotation_of_the_key_and_ends_with_the_next(
    world: World, lists: tuple[Client, dict[str, str]]
) -> None:
    client, paths = lists
    token = (await client.get(f"{paths['users']}maxResults=1"))["nextToken"]
    statuses = []
    for _ in range(2):
        world.directory.database.write_blocking(instance.rotate_token_key)
        statuses.append((await client.call("GET", f"{paths['users']}maxResults=1&nextToken={token}")).status)
    assert statuses == [200, 400]
