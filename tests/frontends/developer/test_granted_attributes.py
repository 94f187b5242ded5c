"""A grant by attribute means over HTTP what it means over LDAP: what may not be read is neither shown nor asked about."""

from typing import Any

import pytest
import pytest_twisted

from gateway.model.applications import Scope
from gateway.model.attributes import reference_to
from tests.directory.application_scope.stored_directory import person
from tests.frontends.developer.conftest import Company, World
from tests.frontends.developer.exported import lines_of

ASKED = [
    ("mail", "POST", "/users/_/actions/getUserIdByEmail", {"email": "bob@example.org"}),
    ("telephoneNumber", "POST", "/users/_/actions/getUserIdByPhoneNumber", {"phoneNumber": "+49301234"}),
    ("memberOf", "GET", "/users/{ann}/actions/listGroupsForUser", None),
    ("member", "GET", "/groups/{staff}/actions/listUsersForGroup", None),
    ("ou", "GET", "/users?organizationalUnitId={sales}", None),
]


@pytest.mark.parametrize(("attribute", "method", "path", "body"), ASKED, ids=[row[0] for row in ASKED])
@pytest_twisted.ensureDeferred
async def test_nobody_is_found_or_listed_by_an_attribute_that_is_not_granted(
    world: World, company: Company, attribute: str, method: str, path: str, body: Any
) -> None:
    path = path.format(**vars(company))
    refused = await world.client("names", attributes=("cn", "sn")).call(method, path, body)
    assert (refused.status, refused.json["code"]) == (403, "Forbidden")
    assert f"--attribute {attribute.lower()}" in refused.json["message"]
    granted = await world.client("more", attributes=("cn", attribute)).call(method, path, body)
    assert granted.status == 200, granted.body


@pytest_twisted.ensureDeferred
async def test_a_record_shows_names_and_what_is_granted_on_every_path(world: World, company: Company) -> None:
    names, more = world.client("names", attributes=("cn", "sn")), world.client("more", attributes=("memberOf", "ou", "member"))
    hidden = {"organizationalUnits", "primaryOrganizationalUnitId", "groups", "email", "phoneNumber"}
    exports = {client.application.name: await lines_of(client) for client in (names, more)}
    world.directory.rename_user(company.ann, "anna")
    world.directory.change_members(company.staff, [], [person(company.bob)])
    feeds = {
        client.application.name: (await client.get(f"/changes?nextToken={exports[client.application.name][-1]['nextToken']}"))
        for client in (names, more)
    }

    def seen(client: str) -> list[dict[str, Any]]:
        exported = [line["object"] for line in exports[client] if line.get("kind") == "user"]
        return exported + [item["object"] for item in feeds[client]["items"] if item["kind"] == "user"]

    for record in [*seen("names"), await names.get(f"/users/{company.ann}")]:
        assert hidden.isdisjoint(record), record
        assert record["username"] in ("ann", "anna", "bob", "eve")
    assert not [line for line in exports["names"] if "members" in line]
    groups = [item for item in feeds["names"]["items"] if item["kind"] == "group"]
    assert groups and not any({"addedMembers", "removedMembers"} & item.keys() for item in groups)

    assert "groups" in await more.get(f"/users/{company.ann}")
    for record in [*seen("more"), await more.get(f"/users/{company.ann}")]:
        assert "organizationalUnits" in record, record
    of_users = [line for line in exports["more"] if line.get("kind") == "user"]
    assert [line["groupIds"] for line in of_users if line["object"]["userId"] == company.eve] == [[company.staff]]
    assert not [line for line in exports["names"] if "groupIds" in line]
    assert {line["object"]["groupId"] for line in exports["more"] if line.get("members")} == {company.staff, company.everyone}
    (group,) = [item for item in feeds["more"]["items"] if item["kind"] == "group"]
    assert group["removedMembers"] == [{"kind": "user", "id": company.bob}]


@pytest_twisted.ensureDeferred
async def test_a_manager_is_an_id_in_scope_or_not_there(world: World, company: Company) -> None:
    manager = {reference_to("manager"): (company.eve,), reference_to("secretary"): (company.bob,)}
    cy = world.directory.add_user("cy", company.sales, attributes=manager)
    sales = world.client("sales", Scope((company.sales,)))
    both = [{"fieldName": "manager", "fieldValue": company.eve}, {"fieldName": "secretary", "fieldValue": company.bob}]
    for client, expected in ((sales, both[1:]), (world.client("all"), both), (world.client("cn", attributes=("cn",)), [])):
        assert (await client.get(f"/users/{cy}"))["customFields"] == expected
        exported = await lines_of(client)
        (line,) = [line for line in exported if line.get("object", {}).get("userId") == cy]
        world.directory.rename_user(cy, f"cy{len(client.application.name)}")
        feed = await client.get(f"/changes?nextToken={exported[-1]['nextToken']}")
        (item,) = [item for item in feed["items"] if item["id"] == cy]
        assert item["object"]["customFields"] == line["object"]["customFields"] == expected
