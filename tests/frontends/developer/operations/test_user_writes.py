"""Users that are made, changed and deleted over the API."""

from typing import Any

import pytest
import pytest_twisted

from gateway.app.parts.clock import now
from gateway.model.applications import Grant, Scope
from gateway.model.objects import ROOT_ORGANIZATION_ID
from gateway.store.objects import passwords
from gateway.sync.local.source import LocalDoor
from tests.frontends.developer.conftest import World
from tests.frontends.developer.operations.writing import from_source, log_end, made, made_unit, writer

WHOLE: dict[str, Any] = {
    "username": "anna",
    "displayName": "Anna Ng",
    "description": "Keeps the books.",
    "email": "anna@example.test",
    "emailVerified": True,
    "phoneNumber": "30 1234",
    "phoneRegion": "49",
    "phoneNumberVerified": False,
    "customFields": [{"fieldName": "given_name", "fieldValue": "Anna"}, {"fieldName": "badge", "fieldValue": "7"}],
    "userExternalId": "hr-1",
}


@pytest_twisted.ensureDeferred
async def test_a_user_is_made_as_described(world: World) -> None:
    client = writer(world)
    unit = await made_unit(client, "Sales")
    body = {**WHOLE, "primaryOrganizationalUnitId": unit, "password": "right horse battery"}
    user_id = (await client.done("POST", "/users", body))["userId"]
    user = await client.get(f"/users/{user_id}")
    for name in WHOLE:
        if name != "customFields":
            assert user[name] == WHOLE[name], name
    assert {(one["fieldName"], one["fieldValue"]) for one in user["customFields"]} == {("given_name", "Anna"), ("badge", "7")}
    assert (user["userSourceType"], user["userSourceId"]) == ("build_in", world.instance_id)
    assert [one["organizationalUnitId"] for one in user["organizationalUnits"]] == [unit]
    assert user["passwordSet"] is True
    asked = {"userExternalId": "hr-1", "userSourceId": world.instance_id, "userSourceType": "build_in"}
    assert await client.done("POST", "/users/_/actions/getUserIdByExternalId", asked) == {"userId": user_id}


@pytest_twisted.ensureDeferred
async def test_a_user_that_is_made_again_under_the_same_external_id_is_found_and_stays_as_it_is(world: World) -> None:
    client = writer(world)
    first = await made(client, "anna", userExternalId="hr-1")
    config = {"passwordInitializationType": "random"}
    again = await client.done(
        "POST", "/users", {"username": "other", "userExternalId": "hr-1", "passwordInitializationConfig": config}
    )
    assert again == {"userId": first}
    assert (await client.get(f"/users/{first}"))["username"] == "anna"
    assert not world.directory.database.read_blocking(lambda c: passwords.local_hash(c, first))


@pytest_twisted.ensureDeferred
async def test_a_random_password_is_shown_once(world: World) -> None:
    client = writer(world)
    body = {"username": "anna", "passwordInitializationConfig": {"passwordInitializationType": "random"}}
    first = await client.done("POST", "/users", body, Idempotency_Key="k1")
    assert len(first["password"]) >= 16
    assert await client.done("POST", "/users", body, Idempotency_Key="k1") == {"userId": first["userId"]}


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"displayName": "Anna Nguyen"}, {"displayName": "Anna Nguyen", "email": "anna@example.test"}),
        ({"username": "anna.ng"}, {"username": "anna.ng"}),
        ({"email": "new@example.test"}, {"email": "new@example.test", "emailVerified": False}),
        ({"email": "new@example.test", "emailVerified": True}, {"email": "new@example.test", "emailVerified": True}),
        ({"emailVerified": False}, {"email": "anna@example.test", "emailVerified": False}),
        ({"email": "anna@example.test"}, {"emailVerified": True}),
        ({"phoneNumber": None}, {"phoneNumber": None, "phoneNumberVerified": False}),
        ({"phoneRegion": "+86", "phoneNumberVerified": True}, {"phoneRegion": "86", "phoneNumberVerified": True}),
        ({"displayName": ""}, {"displayName": "anna"}),
        ({}, {"displayName": "Anna Ng"}),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_user_is_changed_where_the_request_says_so(world: World, change: dict[str, Any], shown: dict[str, Any]) -> None:
    client = writer(world)
    user_id = (await client.done("POST", "/users", WHOLE))["userId"]
    assert await client.done("PATCH", f"/users/{user_id}", change) == {}
    user = await client.get(f"/users/{user_id}")
    assert {name: user.get(name) for name in shown} == shown


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        ([("badge", "8", "replace")], ["8"]),
        ([("badge", "8", "add")], ["7", "8"]),
        ([("badge", "7", "add")], ["7"]),
        ([("badge", "7", "remove")], []),
        ([("badge", "9", "remove")], ["7"]),
        ([("badge", None, "remove")], []),
        ([("badge", "8", "replace"), ("badge", "9", "replace")], ["8", "9"]),
        ([("badge", "8", None)], ["8"]),
    ],
)
@pytest_twisted.ensureDeferred
async def test_custom_fields_are_added_replaced_and_removed(
    world: World, entries: list[tuple[str, str | None, str | None]], left: list[str]
) -> None:
    client = writer(world)
    user_id = (await client.done("POST", "/users", WHOLE))["userId"]
    fields = [
        {key: value for key, value in zip(("fieldName", "fieldValue", "operation"), entry, strict=True) if value is not None}
        for entry in entries
    ]
    await client.done("PATCH", f"/users/{user_id}", {"customFields": fields})
    found = (await client.get(f"/users/{user_id}"))["customFields"]
    assert [one["fieldValue"] for one in found if one["fieldName"] == "badge"] == left


@pytest_twisted.ensureDeferred
async def test_a_manager_is_named_by_id(world: World) -> None:
    client = writer(world)
    boss = await made(client, "boss")
    anna = await made(client, "anna", customFields=[{"fieldName": "manager", "fieldValue": boss}])
    assert (await client.get(f"/users/{anna}"))["customFields"] == [{"fieldName": "manager", "fieldValue": boss}]
    change = {"customFields": [{"fieldName": "manager", "fieldValue": "u-999999"}]}
    assert (await client.refused("PATCH", f"/users/{anna}", change))[:2] == (400, "InvalidParameter")


@pytest_twisted.ensureDeferred
async def test_a_user_is_disabled_and_enabled(world: World) -> None:
    client = writer(world)
    user_id = await made(client, "anna")
    for action, status in (("disable", "disabled"), ("enable", "enabled"), ("enable", "enabled")):
        assert await client.done("POST", f"/users/{user_id}/actions/{action}") == {}
        assert (await client.get(f"/users/{user_id}"))["status"] == status


@pytest_twisted.ensureDeferred
async def test_a_user_is_deleted(world: World) -> None:
    client = writer(world)
    user_id = await made(client, "anna")
    assert await client.done("DELETE", f"/users/{user_id}") == {}
    assert (await client.refused("GET", f"/users/{user_id}"))[0] == 404
    assert (await client.refused("DELETE", f"/users/{user_id}"))[0] == 404


@pytest_twisted.ensureDeferred
async def test_a_user_joins_and_leaves_organizational_units(world: World) -> None:
    client = writer(world)
    sales, it = await made_unit(client, "Sales"), await made_unit(client, "IT")
    user_id = await made(client, "anna", primaryOrganizationalUnitId=sales)

    async def units() -> list[str]:
        return [one["organizationalUnitId"] for one in (await client.get(f"/users/{user_id}"))["organizationalUnits"]]

    actions = f"/users/{user_id}/actions"
    await client.done("POST", f"{actions}/addUserToOrganizationalUnits", {"organizationalUnitIds": [it, sales]})
    assert await units() == [sales, it]
    await client.done("POST", f"{actions}/setUserPrimaryOrganizationalUnit", {"organizationalUnitId": it})
    assert await units() == [it, sales]
    await client.done("POST", f"{actions}/removeUserFromOrganizationalUnits", {"organizationalUnitIds": [it]})
    assert await units() == [sales]
    refused = await client.refused("POST", f"{actions}/removeUserFromOrganizationalUnits", {"organizationalUnitIds": [sales]})
    assert refused[:2] == (409, "Conflict")
    await client.done("POST", f"{actions}/setUserPrimaryOrganizationalUnit", {"organizationalUnitId": ROOT_ORGANIZATION_ID})
    assert await units() == [ROOT_ORGANIZATION_ID, sales]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "username: is missing."),
        ({"username": ""}, "username: must be text of 1 to 256 characters."),
        ({"username": " "}, "a user needs a login name"),
        ({"username": "x", "email": 7}, "email: must be text of up to 256 characters"),
        ({"username": "x", "phoneRegion": "DE"}, "phoneRegion"),
        ({"username": "x", "customFields": [{"fieldName": "email", "fieldValue": "a"}]}, "email has a field of its own"),
        ({"username": "x", "customFields": [{"fieldName": "username", "fieldValue": "a"}]}, "username has a field of its own"),
        ({"username": "x", "customFields": [{"fieldName": "A b", "fieldValue": "a"}]}, "lower case letters"),
        ({"username": "x", "customFields": [{"fieldName": "ref:manager", "fieldValue": "a"}]}, "lower case letters"),
        ({"username": "x", "customFields": [{"fieldName": "photo", "fieldValue": "a"}]}, "is binary"),
        ({"username": "x", "customFields": [{"fieldName": "uid_number", "fieldValue": "0"}]}, "cannot choose it"),
        ({"username": "x", "customFields": [{"fieldName": "gid_number", "fieldValue": "7"}]}, "cannot choose it"),
        (
            {"username": "x", "customFields": [{"fieldName": "title", "fieldValue": one} for one in "ab"] * 129},
            "customFields",
        ),
        ({"username": "x", "password": "short"}, "too short"),
        (
            {
                "username": "x",
                "password": "long enough",
                "passwordInitializationConfig": {"passwordInitializationType": "random"},
            },
            "asks for another one",
        ),
        (
            {
                "username": "x",
                "passwordInitializationConfig": {
                    "passwordInitializationType": "random",
                    "passwordForcedUpdateStatus": "enabled",
                },
            },
            "passwordForcedUpdateStatus",
        ),
        ({"username": "x", "primaryOrganizationalUnitId": "o-999999"}, "There is no organizational unit"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_a_user_that_cannot_be_is_refused_by_name_and_nothing_is_written(
    world: World, body: dict[str, Any], says: str
) -> None:
    client, before = writer(world), log_end(world)
    status, _, message = await client.refused("POST", "/users", body)
    assert status in (400, 404)
    assert says in message
    assert log_end(world) == before


@pytest_twisted.ensureDeferred
async def test_a_login_name_is_given_once(world: World) -> None:
    client = writer(world)
    await made(client, "anna")
    assert (await client.refused("POST", "/users", {"username": "ANNA"}))[:2] == (409, "Conflict")
    other = await made(client, "bob")
    assert (await client.refused("PATCH", f"/users/{other}", {"username": "anna"}))[:2] == (409, "Conflict")


@pytest.mark.parametrize(
    ("method", "action", "body"),
    [
        ("PATCH", "", {"email": "x@y.test"}),
        ("PATCH", "", {"username": "x"}),
        ("DELETE", "", None),
        ("POST", "/actions/addUserToOrganizationalUnits", {"organizationalUnitIds": [ROOT_ORGANIZATION_ID]}),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_a_source_tells_is_refused_naming_the_source(
    world: World, method: str, action: str, body: dict[str, Any] | None
) -> None:
    carla, client, before = from_source(world), writer(world), log_end(world)
    status, code, message = await client.refused(method, f"/users/{carla}{action}", body)
    assert (status, code) == (409, "DecidedElsewhere")
    assert "berlin" in message
    assert log_end(world) == before


@pytest_twisted.ensureDeferred
async def test_what_no_source_tells_of_its_people_is_added_here(world: World) -> None:
    carla, client = from_source(world), writer(world)
    await client.done("PATCH", f"/users/{carla}", {"displayName": "Carla"})
    assert (await client.get(f"/users/{carla}"))["displayName"] == "Carla"


@pytest_twisted.ensureDeferred
async def test_a_password_needs_its_own_grant(world: World) -> None:
    client = writer(world, grants=frozenset({Grant.WRITE}))
    for body in ({"password": "long enough"}, {"passwordInitializationConfig": {"passwordInitializationType": "random"}}):
        status, code, message = await client.refused("POST", "/users", {"username": "anna", **body})
        assert (status, code) == (403, "Forbidden")
        assert '"passwords"' in message
    assert await made(client, "anna")


@pytest_twisted.ensureDeferred
async def test_an_application_makes_people_where_it_sees_them_and_writes_no_others(world: World) -> None:
    everything = writer(world, "everything")
    sales, it = await made_unit(everything, "Sales"), await made_unit(everything, "IT")
    eve = await made(everything, "eve", primaryOrganizationalUnitId=it, userExternalId="hr-eve")
    narrow = writer(world, "narrow", Scope((sales,)))
    anna = await made(narrow, "anna")
    assert [one["organizationalUnitId"] for one in (await narrow.get(f"/users/{anna}"))["organizationalUnits"]] == [sales]
    before = log_end(world)
    for method, path, body in (
        ("PATCH", f"/users/{eve}", {"displayName": "x"}),
        ("DELETE", f"/users/{eve}", None),
        ("POST", f"/users/{eve}/actions/disable", None),
        ("POST", "/users", {"username": "x", "primaryOrganizationalUnitId": it}),
        ("POST", f"/users/{anna}/actions/addUserToOrganizationalUnits", {"organizationalUnitIds": [it]}),
        ("POST", f"/users/{anna}/actions/setUserPrimaryOrganizationalUnit", {"organizationalUnitId": it}),
    ):
        assert (await narrow.refused(method, path, body))[:2] == (404, "ResourceNotFound"), path
    taken = await narrow.refused("POST", "/users", {"username": "x", "userExternalId": "hr-eve"})
    assert taken == (409, "Conflict", "Another user has this external id.")
    assert log_end(world) == before


@pytest_twisted.ensureDeferred
async def test_organizational_units_that_are_not_seen_stay_a_users(world: World) -> None:
    everything = writer(world, "everything")
    sales, team, it = (
        await made_unit(everything, "Sales"),
        await made_unit(everything, "Team"),
        await made_unit(everything, "IT"),
    )
    anna = await made(everything, "anna", primaryOrganizationalUnitId=it)
    both = {"organizationalUnitIds": [sales, team]}
    await everything.done("POST", f"/users/{anna}/actions/addUserToOrganizationalUnits", both)
    narrow = writer(world, "narrow", Scope((sales, team)))
    gone = {"organizationalUnitIds": [sales]}
    await narrow.done("POST", f"/users/{anna}/actions/removeUserFromOrganizationalUnits", gone)
    units = (await everything.get(f"/users/{anna}"))["organizationalUnits"]
    assert [one["organizationalUnitId"] for one in units] == [it, team]


@pytest_twisted.ensureDeferred
async def test_an_application_writes_only_what_it_may_read(world: World) -> None:
    client = writer(world, attributes=frozenset({"cn", "displayname"}))
    user_id = await made(client, "anna", displayName="Anna")
    for change in ({"email": "a@b.test"}, {"phoneRegion": "49"}, {"customFields": [{"fieldName": "badge", "fieldValue": "7"}]}):
        assert (await client.refused("PATCH", f"/users/{user_id}", change))[:2] == (403, "Forbidden")


@pytest_twisted.ensureDeferred
async def test_a_manager_who_is_not_seen_stays(world: World) -> None:
    everything = writer(world, "everything")
    sales = await made_unit(everything, "Sales")
    boss, other = await made(everything, "boss"), await made(everything, "other", primaryOrganizationalUnitId=sales)
    anna = await made(
        everything,
        "anna",
        primaryOrganizationalUnitId=sales,
        customFields=[{"fieldName": "manager", "fieldValue": boss}],
    )
    narrow = writer(world, "narrow", Scope((sales,)))
    for entry in (
        {"operation": "remove"},
        {"operation": "add", "fieldValue": other},
        {"operation": "remove", "fieldValue": boss},
    ):
        await narrow.done("PATCH", f"/users/{anna}", {"customFields": [{"fieldName": "manager", **entry}]})
        fields = (await everything.get(f"/users/{anna}"))["customFields"]
        assert {"fieldName": "manager", "fieldValue": boss} in fields


@pytest_twisted.ensureDeferred
async def test_places_are_written_by_who_may_read_them(world: World) -> None:
    everything = writer(world, "everything")
    sales, anna = await made_unit(everything, "Sales"), await made(everything, "anna")
    blind = writer(world, "blind", attributes=frozenset({"cn"}))
    for action, body in (
        ("addUserToOrganizationalUnits", {"organizationalUnitIds": [sales]}),
        ("setUserPrimaryOrganizationalUnit", {"organizationalUnitId": sales}),
    ):
        assert (await blind.refused("POST", f"/users/{anna}/actions/{action}", body))[:2] == (403, "Forbidden")


@pytest_twisted.ensureDeferred
async def test_whom_an_administrator_has_disabled_is_not_deleted_and_made_again(world: World) -> None:
    client = writer(world)
    anna = await made(client, "anna")
    door = LocalDoor(now)
    world.directory.database.write_blocking(lambda c: door.disable(c, anna, "root"))
    status, code, message = await client.refused("DELETE", f"/users/{anna}")
    assert (status, code) == (409, "Conflict")
    assert "gateway user enable" in message
    world.directory.database.write_blocking(lambda c: door.enable(c, anna))
    await client.done("DELETE", f"/users/{anna}")
