"""The sweep that shortens the change log: in small transactions, by one node, to the days that are kept."""

from datetime import timedelta

import pytest
import pytest_twisted
from structlog.testing import capture_logs
from twisted.internet.task import Clock

from gateway.store.operations import leases, sync_requests
from gateway.sync.lifecycle import log_retention
from gateway.sync.lifecycle.log_retention import LEASE, LogRetention
from tests.sync.synced_store import Store, person


def retention(store: Store, holder: str = "one") -> LogRetention:
    return LogRetention(store.database, timedelta(days=30), holder, lambda: store.time, Clock())


@pytest_twisted.ensureDeferred
async def test_the_log_is_shortened_in_small_transactions_and_followers_of_the_rest_go_on(
    both_stores: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = both_stores
    monkeypatch.setattr(log_retention, "AT_ONCE", 2)
    for number in range(7):
        store.apply(person(f"old{number}"))
    request = store.database.write_blocking(
        lambda c: sync_requests.place(c, "hr", full=False, allow_deletions=False, now=store.time)
    )
    store.time += timedelta(days=31)
    store.apply(person("new"))
    last = store.log()[-1].number
    sweep = retention(store)
    with capture_logs() as lines:
        await sweep.run()
        await sweep.stop()
    assert [change.number for change in store.log()] == [last - 1, last]
    assert store.database.read_blocking(lambda c: sync_requests.get(c, request)) is None
    assert [line["deleted"] for line in lines if "change log" in line["event"]] == [last - 2 + 1]


@pytest_twisted.ensureDeferred
async def test_of_several_nodes_only_the_holder_of_the_lease_shortens_it(store: Store) -> None:
    store.apply(person("old"))
    store.time += timedelta(days=31)
    store.apply(person("new"))
    before = store.log()
    store.database.write_blocking(lambda c: leases.acquire(c, LEASE, "another", 60, store.time))
    await retention(store).run()
    assert store.log() == before
