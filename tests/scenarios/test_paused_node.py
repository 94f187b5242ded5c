"""Two nodes over one PostgreSQL and one slapd: the node that reads the source is stopped as by a paused virtual machine,
another takes over, and when the first goes on it writes nothing of what it still had in hand."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import sleep

import pytest

from gateway.store.engine.database import Database
from tests.app.installation import Installation, Serving, source_of, until
from tests.connectors.openldap_upstream import add_person
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

BASE = "dc=directory,dc=example"
PEOPLE = [f"p{number}" for number in range(12)]
OPEN_TRANSACTIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


@pytest.fixture
def nodes(upstream: Slapd, pki: Pki, tmp_path: Path, postgres_database: str) -> Iterator[list[tuple[Installation, Serving]]]:
    with ExitStack() as stack:
        started: list[tuple[Installation, Serving]] = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            node = Installation(tmp_path / name, os.environ)
            secret = node.folder / "hr.password"
            secret.touch(mode=0o600)
            secret.write_text(upstream.reader.password)
            view = f'[[view]]\nbase_dn = "{BASE}"\n'
            node.configure(
                view + source_of(upstream, pki),
                ldap='listen = "127.0.0.1:0"\nanonymous = ["openldap"]',
                store=f'url = "{postgres_database}"',
            )
            if not started:
                assert node("migrate").code == 0
            started.append((node, stack.enter_context(node.serve())))
            until(lambda node=node: _holder(node), "a node reads the source")  # type: ignore[misc]
        yield started


def _holder(node: Installation) -> str | None:
    [source] = node("status", "--json").json["sources"]
    holder = source["read_by"]
    return str(holder) if holder else None


def _pause(serving: Serving, store: str) -> bool:
    """Stop the node between two transactions: within one, it would hold its locks until PostgreSQL ends it. False: it runs."""
    os.kill(serving.process.pid, signal.SIGSTOP)
    database = Database(store)
    try:
        between = not database.read_blocking(lambda connection: connection.exec_driver_sql(OPEN_TRANSACTIONS).scalar_one())
    finally:
        database.close()
    if not between:
        os.kill(serving.process.pid, signal.SIGCONT)
    return between


def _titles(serving: Serving) -> dict[str, str]:
    connection = serving.connect()
    connection.bind()
    connection.search(BASE, "(objectClass=person)", attributes=["uid", "title"])
    found = {entry["attributes"]["uid"][0]: entry["attributes"]["title"] for entry in connection.response}
    connection.unbind()
    return {uid: title[0] for uid, title in found.items() if uid in PEOPLE and title}


def test_law_2_a_paused_node_that_goes_on_leaves_no_stale_data(
    nodes: list[tuple[Installation, Serving]], upstream: Slapd, postgres_database: str
) -> None:
    dns = [add_person(upstream, uid) for uid in PEOPLE]
    (first_node, first), (_, second) = nodes
    until(lambda: all(len(_all_people(serving)) == len(PEOPLE) for _, serving in nodes), "everybody is on both nodes")
    holder = _holder(first_node)
    assert holder is not None
    paused, other = (first, second) if f":{first.process.pid}:" in holder else (second, first)
    upstream.modify(dns[0], {"title": ["in hand"]})
    until(lambda: _pause(paused, postgres_database), "the node pauses")
    try:
        for number, dn in enumerate(dns):
            upstream.modify(dn, {"title": [f"old {number}"]})
        until(lambda: _holder(first_node) not in (None, holder), "the other node has taken over")
        for number, dn in enumerate(dns):
            upstream.modify(dn, {"title": [f"new {number}"]})
        expected = {uid: f"new {number}" for number, uid in enumerate(PEOPLE)}
        until(lambda: _titles(other) == expected, "the other node has the present state")
    finally:
        os.kill(paused.process.pid, signal.SIGCONT)
    until(lambda: _titles(paused) == expected, "the paused node has the present state")
    sleep(1.5)  # whatever it still had in hand would be written by now
    assert (_titles(paused), _titles(other)) == (expected, expected)
    assert _holder(first_node) != holder


def _all_people(serving: Serving) -> list[str]:
    connection = serving.connect()
    connection.bind()
    connection.search(BASE, "(objectClass=person)", attributes=["uid"])
    found = [entry["attributes"]["uid"][0] for entry in connection.response]
    connection.unbind()
    return [uid for uid in found if uid in PEOPLE]
