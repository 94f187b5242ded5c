"""GET /export over HTTP: its lines, their order, and the token at the end."""

import pytest
import pytest_twisted

from gateway.directory.application_scope import snapshot
from gateway.model.applications import Scope
from tests.frontends.developer.conftest import Company, World
from tests.frontends.developer.exported import lines_of


@pytest_twisted.ensureDeferred
async def test_an_export_has_parents_first_then_users_then_groups_and_ends_with_its_token(
    world: World, company: Company
) -> None:
    lines = await lines_of(world.client("all"))
    assert [line.get("kind") for line in lines] == ["organization"] * 4 + ["user"] * 3 + ["group"] * 2 + [None]
    names = [line["object"]["organizationalUnitName"] for line in lines[:4]]
    assert (names[0], names.index("Sales") < names.index("Team")) == ("Root", True)
    ann = next(line for line in lines if line.get("object", {}).get("username") == "ann")
    shown = await world.client("other").get(f"/users/{company.ann}")
    assert ann["groupIds"] == [group["groupId"] for group in shown.pop("groups")]
    del shown["passwordSet"]  # and the names of units, which change with no change of the user
    shown["organizationalUnits"] = [unit | {"organizationalUnitName": None} for unit in shown["organizationalUnits"]]
    units = [unit | {"organizationalUnitName": None} for unit in ann["object"]["organizationalUnits"]]
    assert ann["object"] | {"organizationalUnits": units} == shown
    assert "organizationalUnitName" not in str(ann)
    assert lines[7]["members"] == [{"kind": "user", "id": i} for i in (company.ann, company.bob, company.eve)]
    assert list(lines[-1]) == ["nextToken"]


@pytest_twisted.ensureDeferred
async def test_an_export_holds_only_what_is_in_scope(world: World, company: Company) -> None:
    lines = await lines_of(world.client("sales", Scope((company.sales,), (company.staff,))))
    ids = {record.get("userId") or record.get("organizationalUnitId") for record in (line.get("object", {}) for line in lines)}
    assert ids - {None} == {company.sales, company.team, company.ann, company.bob}
    assert [m["id"] for line in lines for m in line.get("members", ())] == [company.ann, company.bob]
    assert company.eve not in str(lines)


@pytest_twisted.ensureDeferred
async def test_a_large_group_goes_on_in_lines_of_its_own(
    world: World, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "MEMBERS_AT_ONCE", 2)
    lines = await lines_of(world.client("a", Scope(group_ids=(company.staff,))))
    assert [member["id"] for member in lines[-3]["members"]] == [company.ann, company.bob]
    assert lines[-2] == {"kind": "members", "groupId": company.staff, "members": [{"kind": "user", "id": company.eve}]}
