"""The snapshot stream, the feed over HTTP that goes on from it, and the long poll."""

import json
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from gateway.frontends.developer.feed import export
from gateway.frontends.developer.feed.export import Export
from gateway.frontends.developer.records.caller_scope import Caller
from gateway.model.applications import Scope
from gateway.model.objects import Kind, Member
from tests.frontends.developer.conftest import Client, Company, World
from tests.frontends.developer.directory import person
from tests.frontends.developer.reader import Reader, present, seen
from tests.frontends.http.serving import turn


async def lines_of(client: Client) -> list[dict[str, Any]]:
    answer = await client.call("GET", "/export")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-ndjson")
    return [json.loads(line) for line in answer.body.splitlines()]


@pytest_twisted.ensureDeferred
async def test_an_export_has_parents_first_then_users_then_groups_and_ends_with_its_token(
    world: World, company: Company
) -> None:
    lines = await lines_of(world.client("all"))
    assert [line.get("kind") for line in lines] == ["organization"] * 4 + ["user"] * 3 + ["group"] * 2 + [None]
    names = [line["object"]["organizationalUnitName"] for line in lines[:4]]
    assert (names[0], names.index("Sales") < names.index("Team")) == ("Root", True)
    ann = next(line["object"] for line in lines if line.get("object", {}).get("username") == "ann")
    assert ann == await world.client("other").get(f"/users/{company.ann}")
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
async def test_changes_go_on_from_an_export_without_a_gap(world: World, company: Company) -> None:
    client = world.client("all")
    token = (await lines_of(client))[-1]["nextToken"]
    nothing = await client.get(f"/changes?nextToken={token}")
    assert (nothing["items"], nothing["hasMore"]) == ([], False)
    world.directory.rename_user(company.bob, "rob")
    news = await client.get(f"/changes?nextToken={nothing['nextToken']}")
    (item,) = news["items"]
    assert (item["type"], item["kind"], item["id"], item["object"]["username"]) == ("update", "user", company.bob, "rob")
    assert sorted(item) == ["changeNumber", "id", "kind", "object", "time", "type"]


@pytest_twisted.ensureDeferred
async def test_what_changes_while_an_export_runs_is_told_afterwards(
    world: World, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "OBJECTS_AT_ONCE", 1)
    directory = world.directory
    client = world.client("sales", Scope((company.sales,), None))
    caller = Caller(world.instance_id, client.application)
    lines: list[dict[str, Any]] = []
    steps = {
        1: lambda: directory.move_unit(company.it, company.sales),
        2: lambda: directory.delete_user(company.bob),
        3: lambda: directory.move_user(company.ann, company.team),
        4: lambda: directory.change_members(company.everyone, [person(company.eve)]),
    }
    number = 0
    async for chunk in Export(directory.database, caller).chunks():
        number += 1
        lines += [json.loads(line) for line in chunk.splitlines()]
        if number in steps:
            await deferToThread(steps[number])
    assert number > 4
    reader = Reader(directory.database, client.application, lines.pop()["nextToken"])
    for line in lines:
        record = line["object"]
        reader.objects[record.get("userId") or record.get("organizationalUnitId") or record["groupId"]] = record
        if line["kind"] == "group":
            record["members"] = {member["id"] for member in line["members"]}
    reader.read_all()
    assert seen(reader.objects) == seen(present(directory.database, caller))


@pytest_twisted.ensureDeferred
async def test_a_large_group_comes_in_several_lines(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MEMBERS_AT_ONCE", 3)
    monkeypatch.setattr(export, "GROUPS_AT_ONCE", 2)
    people = [world.directory.add_user(f"u{number}") for number in range(7)]
    nested = world.directory.add_group("nested")
    groups = [world.directory.add_group(f"g{n}", Member(Kind.GROUP, nested), *map(person, people)) for n in range(3)]
    found: dict[str, list[str]] = {}
    for line in await lines_of(world.client("all")):
        if "members" in line:
            assert len(line["members"]) <= 3
            found.setdefault(line.get("groupId") or line["object"]["groupId"], []).extend(m["id"] for m in line["members"])
    assert {group: sorted(members) for group, members in found.items()} == {
        nested: [],
        **{group: sorted([*people, nested]) for group in groups},
    }


@pytest_twisted.ensureDeferred
async def test_a_waiting_reader_is_told_as_soon_as_there_is_something(world: World, company: Company) -> None:
    client = world.client("sales", Scope((company.sales,), ()))
    token = (await lines_of(client))[-1]["nextToken"]
    began = _seconds()
    waiting = client.get(f"/changes?waitSeconds=20&nextToken={token}")
    world.directory.rename_user(company.eve, "eva")  # outside: does not end the wait

    answer = Deferred.fromCoroutine(waiting)
    for _ in range(50):
        await turn()
    assert not answer.called
    await deferToThread(world.directory.rename_user, company.bob, "rob")
    (item,) = (await answer)["items"]
    assert item["object"]["username"] == "rob"
    assert _seconds() - began < 10


@pytest_twisted.ensureDeferred
async def test_a_wait_ends_with_an_empty_answer_and_a_new_position(world: World, company: Company) -> None:
    client = world.client("sales", Scope((company.sales,), ()))
    token = (await lines_of(client))[-1]["nextToken"]
    world.directory.rename_user(company.eve, "eva")
    answer = await client.get(f"/changes?waitSeconds=1&nextToken={token}")
    assert (answer["items"], answer["hasMore"]) == ([], False)
    assert answer["nextToken"] != token


@pytest.mark.parametrize("query", ["maxResults=0", "maxResults=1001", "waitSeconds=31", "waitSeconds=-1", "nextToken=x"])
@pytest_twisted.ensureDeferred
async def test_a_wrong_parameter_of_the_feed_is_refused_by_name(world: World, query: str) -> None:
    answer = await world.client("a").call("GET", f"/changes?{query}")
    assert (answer.status, answer.json["message"].partition(":")[0]) == (400, query.partition("=")[0])


@pytest_twisted.ensureDeferred
async def test_without_a_token_the_feed_begins_with_the_log(world: World, company: Company) -> None:
    first = await world.client("a").get("/changes?maxResults=2")
    assert [item["changeNumber"] for item in first["items"]] == [1, 2]
    assert (first["items"][0]["kind"], first["hasMore"]) == ("organization", True)


def _seconds() -> float:
    any_reactor: Any = reactor
    return float(any_reactor.seconds())
