"""A PostgreSQL that comes back without its last transactions under a running gateway, as after a fail-over to a standby that
was behind: the reader of the source, the view, a slapd that replicates it and a follower of the HTTP feed all come to what the
upstream has, without a restart."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ldap
import pytest

from tests.app.installation import source_of, until
from tests.connectors.openldap_upstream import add_person
from tests.directory.worlds import BASE
from tests.frontends.ldap.replica_world import Consumer, entries
from tests.frontends.ldap.serving import Account
from tests.scenarios.office import Observer, Office
from tests.servers.pki import Pki
from tests.servers.postgres import Postgres
from tests.servers.slapd import Slapd


@pytest.fixture
def primary() -> Iterator[Postgres]:
    """A server of this test's own, which loses what was committed."""
    server = Postgres().start()
    yield server
    server.remove()


class FeedFollower:
    """A program that keeps the titles of all users: from the snapshot, then by what is told after it."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self.titles: dict[str, str] = {}
        self.token = ""
        self.begin()

    def begin(self) -> None:
        *lines, last = (json.loads(line) for line in self._observer.get("/export").splitlines())
        self.titles = {}
        for line in lines:
            if line["kind"] == "user":
                self._keep(line["object"])
        self.token = last["nextToken"]

    def follow(self) -> dict[str, str]:
        """The titles after what is new. Raises HTTPError when the token is not taken."""
        page = json.loads(self._observer.get(f"/changes?nextToken={self.token}"))
        for item in page["items"]:
            if item["kind"] == "user" and "object" in item:
                self._keep(item["object"])
        self.token = page["nextToken"]
        return self.titles

    def _keep(self, user: dict[str, Any]) -> None:
        name = user["username"]
        self.titles.pop(name, None)
        if user["status"] == "enabled":
            [self.titles[name]] = [each["fieldValue"] for each in user["customFields"] if each["fieldName"] == "title"]


def titles(url: str, account: Account | None = None) -> dict[str, str]:
    """The title of each person at a server; none while a view is built anew."""
    try:
        served = entries(url, account).values()
    except ldap.UNAVAILABLE:
        return {}
    return {each["uid"][0].decode(): each["title"][0].decode() for each in served if "uid" in each and "title" in each}


def test_law_5_whoever_reads_a_store_that_failed_over_comes_to_what_the_upstream_has(
    primary: Postgres, office: Office, upstream: Slapd, pki: Pki, tmp_path: Path
) -> None:
    url = primary.create_database("gateway")
    office.configure(f'[[view]]\nbase_dn = "{BASE}"\n' + source_of(upstream, pki), store=f'url = "{url}"')
    assert office("migrate").code == 0
    now = dict.fromkeys(("f1", "f2", "f3", "f4"), "first")
    dns = {uid: add_person(upstream, uid, title=title) for uid, title in now.items()}
    with office.observed(office.application()) as observer:
        account = Account(observer.bind_dn, observer.secret)
        consumer = Consumer(tmp_path / "consumer", observer.ldap_url, account).start()
        try:
            follower = FeedFollower(observer)

            def everywhere() -> bool:
                return titles(observer.ldap_url, account) == titles(consumer.url) == follower.follow() == now

            until(everywhere, "all have everybody")
            kept = primary.copy()
            now |= {"f1": "lost", "f5": "lost"}
            upstream.modify(dns["f1"], {"title": ["lost"]})
            dns["f5"] = add_person(upstream, "f5", title="lost")
            upstream.delete(dns["f2"])
            del now["f2"]
            until(everywhere, "all have what is going to be lost")
            primary.go_back(kept)
            upstream.delete(dns["f5"])
            del now["f5"]
            now |= {"f3": "after", "f6": "after"}
            upstream.modify(dns["f3"], {"title": ["after"]})
            add_person(upstream, "f6", title="after")
            until(lambda: titles(observer.ldap_url, account) == now, "the view has what the upstream has")
            until(lambda: titles(consumer.url) == now, "so has its replica")
            with pytest.raises(urllib.error.HTTPError, match="409") as refused:
                follower.follow()
            assert "start again with /export" in json.load(refused.value)["message"]
            follower.begin()
            upstream.modify(dns["f4"], {"title": ["at last"]})
            now["f4"] = "at last"
            until(everywhere, "all follow on")
        finally:
            consumer.stop()
        assert observer.serving.stop() == 0
