"""Records and decisions over HTTP: for whoever shows the token, and nobody else."""

from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted
from structlog.testing import capture_logs
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from gateway.frontends.admin.links import AdminLinks
from gateway.frontends.admin.token_auth import AdminTokenCheck
from gateway.frontends.http.router import make_site
from gateway.store.engine.database import Database
from gateway.sync.review.link_decisions import Decisions
from gateway.sync.rules.correlation import Reaction
from tests.frontends.http.serving import Response, Serving, fetch
from tests.sync.synced_store import Store, person

TOKEN = "a-token-of-the-admin-api-in-ascii"
HR, AD = "hr", "ad"


class Desk:
    """The admin API over a store, and a client with the token."""

    def __init__(self, store: Store, token: str | None = TOKEN) -> None:
        decisions = Decisions({HR: store.door(HR), AD: store.door(AD)}, store.door("local"), lambda: store.time)
        routes = AdminLinks(store.database, decisions, AdminTokenCheck(token)).routes()
        self.store = store
        self.serving = Serving(make_site("management", routes, reactor=reactor))

    async def get(self, path: str, token: str = TOKEN) -> Response:
        return await fetch(self.serving.port, "GET", path, headers={"Authorization": f"Bearer {token}"})

    async def post(self, path: str, **body: Any) -> Response:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        return await fetch(self.serving.port, "POST", f"/admin/links/{path}", headers=headers, body=body)


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    """Anna of AD; HR has a record of hers that waits for a person."""
    store = Store(database)
    store.correlate(HR, "employee_number = employee_number", unlinked=Reaction.QUEUE)
    store.apply(person("anna", employee_number="7"), source=AD)
    store.apply(person("asmith", employee_number="7", title="Boss"), source=HR)
    opened = Desk(store)
    yield opened
    pytest_twisted.blockon(Deferred.fromCoroutine(opened.serving.end()))


@pytest_twisted.ensureDeferred
async def test_what_waits_is_listed_page_by_page_with_its_candidates(desk: Desk) -> None:
    desk.store.apply(person("anna", external_id="2"), source=HR)
    first = await desk.get("/admin/links?max_results=1&source=hr")
    assert first.status == 200
    [row] = first.json["data"]
    assert (row["external_id"], row["situation"], row["object"]) == ("u:asmith", "unlinked", None)
    assert row["candidates"] == [{"id": desk.store.user("anna").id, "name": "user anna"}]
    second = await desk.get(f"/admin/links?max_results=1&source=hr&next_token={first.json['next_token']}")
    assert [row["situation"] for row in second.json["data"]] == ["disputed"]
    disputed = await desk.get("/admin/links?situation=disputed")
    assert [row["external_id"] for row in disputed.json["data"]] == ["2"]
    assert disputed.json["next_token"] == ""


@pytest_twisted.ensureDeferred
async def test_a_decision_is_done_kept_shown_and_told_to_the_log(desk: Desk) -> None:
    anna = desk.store.user("anna").id
    with capture_logs() as lines:
        linked = await desk.post("link", source=HR, external_id="u:asmith", object_id=anna, by="eve")
    assert (linked.status, linked.json["object"]) == (200, {"id": anna, "name": "user anna"})
    assert linked.json["change_number"] == desk.store.last()
    assert desk.store.user("anna").first("title") == "Boss"
    [audit] = [line for line in lines if line["event"] == "link decision"]
    assert (audit["action"], audit["by"], audit["record"], audit["object"]) == ("link", "eve", "u:asmith", anna)
    shown = (await desk.get("/admin/links/record?source=hr&external_id=u:asmith")).json
    assert (shown["situation"], shown["decided_by"], shown["attributes"]["title"]) == ("linked", "person:eve", ["Boss"])
    assert [(one["verdict"], one["object_id"]) for one in shown["decisions"]] == [("link", anna)]
    unlinked = await desk.post("unlink", source=HR, external_id="u:asmith")
    assert unlinked.json["object"] is None
    split = await desk.post("split", source=HR, external_id="u:asmith")
    assert desk.store.names() == {"anna", "asmith"}
    withdrawn = await desk.post("withdraw", source=HR, external_id="u:asmith")
    assert withdrawn.json["object"] == split.json["object"]
    merged = await desk.post("merge", kept_id=anna, lost_id=split.json["object"]["id"])
    assert (merged.status, desk.store.names()) == (200, {"anna"})


@pytest_twisted.ensureDeferred
async def test_what_a_source_keeps_secret_is_not_shown(desk: Desk) -> None:
    desk.store.apply(person("eve", user_password="{SSHA}x", title="Boss"), source=AD)
    shown = (await desk.get("/admin/links/record?source=ad&external_id=u:eve")).json["attributes"]
    assert (shown["user_password"], shown["title"]) == (["(not shown)"], ["Boss"])


@pytest_twisted.ensureDeferred
async def test_mistakes_are_told_in_the_words_of_every_face(desk: Desk) -> None:
    answers = [
        await desk.post("unlink", source=HR, external_id="u:asmith"),
        await desk.post("link", source=HR, external_id="nobody", object_id="x"),
        await desk.post("link", source=HR, external_id="u:asmith"),
        await desk.post("merge", kept_id="a", lost_id="b", also="c"),
        await desk.get("/admin/links?situation=lost"),
        await desk.get("/admin/links/record?source=hr&external_id=nobody"),
    ]
    assert [(answer.status, answer.json["code"]) for answer in answers] == [
        (409, "Conflict"),
        (404, "ResourceNotFound"),
        (400, "InvalidParameter"),
        (400, "InvalidParameter"),
        (400, "InvalidParameter"),
        (404, "ResourceNotFound"),
    ]
    assert "object_id" in answers[2].json["message"]


@pytest_twisted.ensureDeferred
async def test_nobody_without_the_token_reads_or_decides(desk: Desk) -> None:
    wrong = await desk.get("/admin/links", token="another-token-that-is-long-enough")
    none = await fetch(desk.serving.port, "GET", "/admin/links")
    posted = await fetch(desk.serving.port, "POST", "/admin/links/merge", body=b"{}")
    assert [answer.status for answer in (wrong, none, posted)] == [401, 401, 401]
    assert TOKEN.encode() not in wrong.body + none.body + posted.body


@pytest_twisted.ensureDeferred
async def test_without_a_token_in_the_configuration_everybody_is_refused(database: Database) -> None:
    desk = Desk(Store(database), token=None)
    answer = await desk.get("/admin/links")
    assert (answer.status, answer.json["code"]) == (403, "AdminApiDisabled")
    assert "[management] token_file" in answer.json["message"]
    await desk.serving.end()


def test_the_token_prints_nowhere() -> None:
    assert TOKEN not in repr(AdminTokenCheck(TOKEN))
