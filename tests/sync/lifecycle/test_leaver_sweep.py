"""The sweep at the end of the grace period: the leavers that it deletes, the node that does it, and what stops it."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import Clock

from gateway.model.objects import Kind
from gateway.store.engine.column_codecs import milliseconds
from gateway.store.operations import leases, source_state
from gateway.sync.lifecycle import leaver_sweep
from gateway.sync.lifecycle.grace_period import GRACE_DAYS, GracePeriods
from gateway.sync.lifecycle.leased_sweep import SWEEP_SECONDS
from gateway.sync.lifecycle.leaver_sweep import LEASE, LeaverSweep, sweep
from tests.sync.scripted import until
from tests.sync.synced_store import Store, gone, person

MONTH = GracePeriods({"hr": 30.0})


def with_leavers(store: Store, count: int, source: str = "hr") -> None:
    """So many people who left one after the other, and one who did not."""
    store.apply(*(person(f"{source}{number}") for number in range(count)), person(f"{source}-stays"), source=source)
    for number in range(count):
        store.apply(gone(Kind.USER, f"u:{source}{number}"), source=source)


def swept(store: Store, by: GracePeriods = MONTH) -> int:
    return store.database.write_blocking(partial(sweep, door=store.door("local"), grace=by))


def test_a_leaver_of_longer_ago_than_the_days_of_its_source_is_deleted(both_stores: Store) -> None:
    store = both_stores
    with_leavers(store, 2)
    store.time += timedelta(days=30, seconds=-1.5)
    assert swept(store) == 0
    store.time += timedelta(seconds=1)
    assert (swept(store), store.leavers(), store.names()) == (1, {"hr1"}, {"hr-stays"})
    assert [change.source_id for change in store.log()[-1:]] == ["local"]
    store.time += timedelta(seconds=10)
    assert (swept(store), swept(store), store.leavers()) == (1, 0, set())
    assert store.replayed() == store.directory()


def test_a_transaction_of_the_sweep_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaver_sweep, "AT_ONCE", 3)
    with_leavers(store, 7)
    store.time += timedelta(days=31)
    assert [swept(store) for _ in range(4)] == [3, 3, 1, 0]


def test_each_source_has_days_of_its_own(store: Store) -> None:
    with_leavers(store, 1)
    with_leavers(store, 1, "corp")
    store.time += timedelta(days=2)
    assert swept(store, GracePeriods({"hr": 30.0, "corp": 1.0})) == 1
    assert store.leavers() == {"hr0"}
    assert swept(store, GracePeriods({"hr": 0.0})) == 1


def test_no_leaver_of_a_source_that_is_not_configured_is_deleted_until_the_source_is_ended(store: Store) -> None:
    with_leavers(store, 1)
    store.time += timedelta(days=365)
    assert swept(store, GracePeriods()) == 0
    store.database.write_blocking(lambda c: source_state.forget(c, "hr"))
    store.time -= timedelta(days=365 - GRACE_DAYS + 1)
    assert swept(store, GracePeriods()) == 0
    store.time += timedelta(days=2)
    assert swept(store, GracePeriods()) == 1


def sweeping(store: Store, clock: Any) -> LeaverSweep:
    return LeaverSweep(store.database, store.door("local"), MONTH, "one", lambda: store.time, clock)


@pytest_twisted.ensureDeferred
async def test_leavers_are_deleted_from_time_to_time_while_the_gateway_runs(store: Store) -> None:
    with_leavers(store, 2)
    clock = Clock()
    chore = sweeping(store, clock)
    chore.start()
    await until(lambda: _holder(store) == "one")
    assert store.leavers() == {"hr0", "hr1"}
    store.time += timedelta(days=31)

    def next_turn_is_over() -> bool:
        clock.advance(SWEEP_SECONDS)  # the first turn may not have been over when the time came
        return not store.leavers()

    await until(next_turn_is_over)
    await chore.stop()
    assert _holder(store) is None
    assert clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_of_several_nodes_one_sweeps(store: Store) -> None:
    with_leavers(store, 1)
    store.database.write_blocking(lambda c: leases.acquire(c, LEASE, "other", 1e9, store.time))
    store.time += timedelta(days=31)
    held_elsewhere = sweeping(store, Clock())
    await held_elsewhere.run()
    assert store.leavers() == {"hr0"}
    store.database.write_blocking(lambda c: leases.free(c, LEASE, "other"))
    await held_elsewhere.run()
    assert store.leavers() == set()
    await held_elsewhere.stop()


def _holder(store: Store) -> str | None:
    return store.database.read_blocking(lambda c: leases.holder_of(c, LEASE, store.time))


def test_the_days_are_counted_from_when_the_last_record_went(store: Store) -> None:
    with_leavers(store, 1)
    gone_at = store.user("hr0").gone_at
    assert gone_at is not None
    ends = store.database.read_blocking(lambda c: MONTH.ends_at(c, "hr", gone_at))
    assert ends is not None
    assert milliseconds(ends) - milliseconds(gone_at) == 30 * 86_400_000
    assert store.database.read_blocking(lambda c: GracePeriods().ends_at(c, "hr", gone_at)) is None
