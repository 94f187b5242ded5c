"""GET /changes over HTTP: the feed that goes on from an export, its JSON, and the long poll."""

from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from gateway.model.applications import Scope
from gateway.store.clients import applications
from gateway.store.engine.database import Connection
from gateway.store.log import changes, retention
from tests.directory.application_scope.stored_directory import person
from tests.frontends.developer.conftest import Company, World
from tests.frontends.developer.exported import lines_of
from tests.frontends.http.serving import turn


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
    assert sorted(item) == ["changeNumber", "groupIds", "id", "kind", "object", "time", "type"]


@pytest_twisted.ensureDeferred
async def test_items_of_groups_have_their_members_and_deletions_have_no_object(world: World, company: Company) -> None:
    client = world.client("sales", Scope((company.sales,), (company.staff,)))
    token = (await lines_of(client))[-1]["nextToken"]
    world.directory.change_members(company.staff, [], [person(company.ann), person(company.eve)])
    world.directory.rename_user(company.ann, "anna")
    world.directory.delete_group(company.staff)
    world.directory.delete_user(company.bob)
    items = (await client.get(f"/changes?nextToken={token}"))["items"]
    common = ["changeNumber", "time", "type", "kind", "id"]
    group = [*common, "object", "addedMembers", "removedMembers"]
    assert [(item["type"], item["kind"], item["id"], list(item)) for item in items] == [
        ("update", "group", company.staff, group),
        ("update", "user", company.ann, [*common, "object", "groupIds"]),
        ("delete", "group", company.staff, common),
        ("delete", "user", company.bob, common),
    ]
    assert (items[0]["addedMembers"], items[0]["removedMembers"]) == ([], [{"kind": "user", "id": company.ann}])


@pytest_twisted.ensureDeferred
async def test_a_reader_whose_scope_was_changed_is_sent_back_to_the_export(world: World, company: Company) -> None:
    client = world.client("sales", Scope((company.sales,), ()))
    token = (await lines_of(client))[-1]["nextToken"]
    wider = Scope((company.sales, company.it), ())
    database, application_id = world.directory.database, client.application.id
    database.write_blocking(lambda c: applications.set_rights(c, application_id, wider, (), None))
    answer = await client.call("GET", f"/changes?nextToken={token}")
    assert (answer.status, answer.json["code"]) == (409, "Conflict")
    assert "start again with /export" in answer.json["message"]


@pytest.mark.parametrize("others", [0, 1, 3], ids=["shorter", "as long", "longer"])
@pytest_twisted.ensureDeferred
async def test_law_15_a_token_of_another_history_is_refused(world: World, company: Company, others: int) -> None:
    client = world.client("all")
    token = (await lines_of(client))[-1]["nextToken"]
    world.directory.rename_user(company.bob, "rob")
    page = await client.get(f"/changes?nextToken={token}")
    world.directory.database.write_blocking(lose_last_change)
    for number in range(others):
        world.directory.rename_user(company.ann, f"ann{number}")
    assert (await client.call("GET", f"/changes?nextToken={token}")).status == 200  # it knows nothing that was lost
    refused = await client.call("GET", f"/changes?nextToken={page['nextToken']}")
    assert (refused.status, refused.json["code"]) == (409, "Conflict")
    assert "start again with /export" in refused.json["message"]


def lose_last_change(connection: Connection) -> None:
    last = changes.last(connection) - 1
    connection.exec_driver_sql(f"DELETE FROM changes WHERE number > {last}")
    connection.exec_driver_sql(f"UPDATE log_head SET number = {last}")


@pytest_twisted.ensureDeferred
async def test_law_15_a_token_whose_reader_was_told_what_came_later_is_refused(world: World, company: Company) -> None:
    """A page ends before the last change, but shows objects as they are after it."""
    client = world.client("all")
    token = (await lines_of(client))[-1]["nextToken"]
    world.directory.rename_user(company.bob, "rob")
    world.directory.rename_user(company.ann, "anna")
    page = await client.get(f"/changes?nextToken={token}&maxResults=1")
    assert page["hasMore"]
    world.directory.database.write_blocking(lose_last_change)
    assert (await client.call("GET", f"/changes?nextToken={page['nextToken']}")).status == 409


@pytest_twisted.ensureDeferred
async def test_a_waiting_reader_is_answered_as_soon_as_there_is_something(world: World, company: Company) -> None:
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
async def test_without_a_token_a_reader_is_sent_to_the_export(world: World, company: Company) -> None:
    answer = await world.client("a").call("GET", "/changes?maxResults=2")
    assert (answer.status, answer.json["code"]) == (400, "InvalidParameter")
    assert answer.json["message"].startswith("nextToken: begin with /export")


@pytest_twisted.ensureDeferred
async def test_a_token_of_before_what_is_kept_is_gone_and_a_later_one_goes_on(world: World, company: Company) -> None:
    client = world.client("all")
    token = (await lines_of(client))[-1]["nextToken"]
    world.directory.rename_user(company.bob, "rob")
    later = (await client.get(f"/changes?nextToken={token}"))["nextToken"]
    world.directory.rename_user(company.bob, "bob")
    database = world.directory.database
    now = database.read_blocking(changes.last)
    database.write_blocking(lambda c: c.exec_driver_sql(f"UPDATE changes SET time = time + 86400000 WHERE number = {now}"))
    time = database.read_blocking(lambda c: changes.after(c, now - 1, 1))[0].time
    assert database.write_blocking(lambda c: retention.prune(c, time, 1000)) == now - 2
    gone = await client.call("GET", f"/changes?nextToken={token}")
    assert (gone.status, gone.json["code"]) == (410, "Gone")
    assert "start again with /export" in gone.json["message"]
    (item,) = (await client.get(f"/changes?nextToken={later}"))["items"]
    assert item["object"]["username"] == "bob"


def _seconds() -> float:
    any_reactor: Any = reactor
    return float(any_reactor.seconds())
