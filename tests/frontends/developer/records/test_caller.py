"""Objects outside an application's scope do not exist for it, in any operation."""

from typing import Any

import pytest
import pytest_twisted

from gateway.model.applications import Grant, Scope
from tests.frontends.developer.conftest import Client, Company, World

NOTHING = "u-999999"


@pytest.fixture
def client(world: World, company: Company) -> Client:
    """Sees the sales department with its team, and the group staff."""
    return world.client("sales", Scope((company.sales,), (company.staff,)), grants=frozenset({Grant.WRITE}))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users/{eve}"),
        ("GET", "/users/{eve}/actions/listGroupsForUser"),
        ("GET", "/users?organizationalUnitId={it}"),
        ("GET", "/organizationalUnits/{it}"),
        ("GET", "/organizationalUnits/{it}/parentIds"),
        ("GET", "/organizationalUnits?parentId={it}"),
        ("GET", "/organizationalUnits/00000000-0000-4000-8000-000000000001"),
        ("GET", "/groups/{everyone}"),
        ("GET", "/groups/{everyone}/actions/listUsersForGroup"),
        ("PATCH", "/users/{eve}"),
        ("DELETE", "/groups/{everyone}"),
        ("PATCH", "/organizationalUnits/{it}/parentId"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_an_object_outside_the_scope_answers_as_one_that_does_not_exist(
    client: Client, company: Company, method: str, path: str
) -> None:
    ids = vars(company)
    there, nowhere = path.format(**ids), path.format(**dict.fromkeys(ids, NOTHING))
    body = {"parentId": company.sales} if method == "PATCH" else None
    answers = [await client.call(method, asked, body) for asked in (there, nowhere)]
    outside, missing = [(a.status, a.json["code"], a.json["message"]) for a in answers]
    assert outside[0] == 404
    for user_or_group in (company.eve, company.it, company.everyone):
        outside = (*outside[:2], outside[2].replace(user_or_group, NOTHING))
    assert outside == missing


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/users/_/actions/getUserIdByUsername", {"username": "eve"}),
        ("/users/_/actions/getUserIdByPhoneNumber", {"phoneNumber": "no digits"}),
        (
            "/users/_/actions/getUserIdByExternalId",
            {"userExternalId": "ext-eve", "userSourceId": "berlin", "userSourceType": "ldap"},
        ),
        (
            "/organizationalUnits/_/actions/getOrganizationalUnitIdByExternalId",
            {
                "organizationalUnitExternalId": "ext-IT",
                "organizationalUnitSourceId": "berlin",
                "organizationalUnitSourceType": "ldap",
            },
        ),
    ],
)
@pytest_twisted.ensureDeferred
async def test_look_ups_find_nothing_outside(client: Client, path: str, body: dict[str, str]) -> None:
    assert (await client.call("POST", path, body)).status == 404


@pytest_twisted.ensureDeferred
async def test_an_address_shared_with_a_user_outside_finds_the_one_inside(client: Client, company: Company) -> None:
    answer = await client.call("POST", "/users/_/actions/getUserIdByEmail", {"email": "ann@example.org"})
    assert answer.json == {"userId": company.ann}


@pytest_twisted.ensureDeferred
async def test_an_address_shared_by_two_users_in_scope_is_a_conflict(world: World, company: Company) -> None:
    client = world.client("all")
    answer = await client.call("POST", "/users/_/actions/getUserIdByEmail", {"email": "ann@example.org"})
    assert (answer.status, answer.json["code"]) == (409, "Conflict")


@pytest_twisted.ensureDeferred
async def test_units_groups_and_members_of_visible_objects_are_narrowed_too(client: Client, company: Company) -> None:
    ann = await client.get(f"/users/{company.ann}")
    assert [unit["organizationalUnitId"] for unit in ann["organizationalUnits"]] == [company.sales]
    assert [group["groupId"] for group in ann["groups"]] == [company.staff]
    of_ann = await client.get(f"/users/{company.ann}/actions/listGroupsForUser")
    assert ([group["groupId"] for group in of_ann["data"]], of_ann["totalCount"]) == ([company.staff], 1)
    of_staff = await client.get(f"/groups/{company.staff}/actions/listUsersForGroup")
    assert ([user["userId"] for user in of_staff["data"]], of_staff["totalCount"]) == ([company.ann, company.bob], 2)


@pytest_twisted.ensureDeferred
async def test_the_tree_begins_at_the_scope(client: Client, company: Company) -> None:
    assert (await client.get(f"/organizationalUnits/{company.team}/parentIds"))["parentIds"] == [company.sales]
    assert "parentId" not in await client.get(f"/organizationalUnits/{company.sales}")
    tops: Any = await client.get("/organizationalUnits")
    assert ([unit["organizationalUnitId"] for unit in tops["data"]], tops["totalCount"]) == ([company.sales], 1)


@pytest_twisted.ensureDeferred
async def test_lists_hold_what_is_in_scope_and_count_only_that(client: Client) -> None:
    users = await client.get("/users")
    assert ([user["username"] for user in users["data"]], users["totalCount"]) == (["ann", "bob"], 2)
    groups = await client.get("/groups")
    assert ([group["groupName"] for group in groups["data"]], groups["totalCount"]) == (["staff"], 1)


@pytest_twisted.ensureDeferred
async def test_the_provisioning_scope_is_shown(client: Client, company: Company) -> None:
    scope = await client.get("/provisioningScope")
    assert scope == {"organizationalUnitIds": [company.sales], "groupIds": [company.staff]}


@pytest_twisted.ensureDeferred
async def test_attributes_that_are_not_granted_are_not_shown(world: World, company: Company) -> None:
    client = world.client("mailer", attributes=("mail", "givenName"))
    ann = await client.get(f"/users/{company.ann}")
    assert (ann["email"], ann["displayName"], ann["username"]) == ("Ann@Example.org", "ann", "ann")
    assert "phoneNumber" not in ann
    assert ann["customFields"] == [{"fieldName": "given_name", "fieldValue": "Ann"}]
