"""When the time of grace is over: who is deleted, by whom, and what stops it."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import Clock

from gateway.model.objects import Kind
from gateway.store.engine.column_codecs import milliseconds
from gateway.store.operations import leases, source_state
from gateway.sync.lifecycle import leaver_retention
from gateway.sync.lifecycle.grace_period import GracePeriods
from gateway.sync.lifecycle.leaver_retention import LEASE, SWEEP_SECONDS, LeaverSweep, sweep
from gateway.sync.objects.leavers import GRACE_DAYS
from tests.sync.house import House, gone, person
from tests.sync.scripted import until

MONTH = GracePeriods({"hr": 30.0})


def with_leavers(house: House, count: int, source: str = "hr") -> None:
    """So many people who left one after the other, and one who did not."""
    house.apply(*(person(f"{source}{number}") for number in range(count)), person(f"{source}-stays"), source=source)
    for number in range(count):
        house.apply(gone(Kind.USER, f"u:{source}{number}"), source=source)


def swept(house: House, by: GracePeriods = MONTH) -> int:
    return house.database.write_blocking(partial(sweep, door=house.door("local"), grace=by))


def test_who_left_longer_ago_than_the_days_of_its_source_is_deleted(both_houses: House) -> None:
    house = both_houses
    with_leavers(house, 2)
    house.time += timedelta(days=30, seconds=-1.5)
    assert swept(house) == 0
    house.time += timedelta(seconds=1)
    assert (swept(house), house.leavers(), house.names()) == (1, {"hr1"}, {"hr-stays"})
    assert [change.source_id for change in house.log()[-1:]] == ["local"]
    house.time += timedelta(seconds=10)
    assert (swept(house), swept(house), house.leavers()) == (1, 0, set())
    assert house.replayed() == house.directory()


def test_a_transaction_of_the_sweep_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaver_retention, "AT_ONCE", 3)
    with_leavers(house, 7)
    house.time += timedelta(days=31)
    assert [swept(house) for _ in range(4)] == [3, 3, 1, 0]


def test_each_source_has_days_of_its_own(house: House) -> None:
    with_leavers(house, 1)
    with_leavers(house, 1, "corp")
    house.time += timedelta(days=2)
    assert swept(house, GracePeriods({"hr": 30.0, "corp": 1.0})) == 1
    assert house.leavers() == {"hr0"}
    assert swept(house, GracePeriods({"hr": 0.0})) == 1


def test_nobody_of_a_source_that_is_not_configured_is_deleted_until_the_source_is_ended(house: House) -> None:
    with_leavers(house, 1)
    house.time += timedelta(days=365)
    assert swept(house, GracePeriods()) == 0
    house.database.write_blocking(lambda c: source_state.forget(c, "hr"))
    house.time -= timedelta(days=365 - GRACE_DAYS + 1)
    assert swept(house, GracePeriods()) == 0
    house.time += timedelta(days=2)
    assert swept(house, GracePeriods()) == 1


def sweeping(house: House, clock: Any) -> LeaverSweep:
    return LeaverSweep(house.database, house.door("local"), MONTH, "one", lambda: house.time, clock)


@pytest_twisted.ensureDeferred
async def test_leavers_are_deleted_from_time_to_time_while_the_gateway_runs(house: House) -> None:
    with_leavers(house, 2)
    clock = Clock()
    chore = sweeping(house, clock)
    chore.start()
    await until(lambda: _holder(house) == "one")
    assert house.leavers() == {"hr0", "hr1"}
    house.time += timedelta(days=31)

    def next_turn_is_over() -> bool:
        clock.advance(SWEEP_SECONDS)  # the first turn may not have been over when the time came
        return not house.leavers()

    await until(next_turn_is_over)
    await chore.stop()
    assert _holder(house) is None
    assert clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_of_several_nodes_one_sweeps(house: House) -> None:
    with_leavers(house, 1)
    house.database.write_blocking(lambda c: leases.acquire(c, LEASE, "other", 1e9, house.time))
    house.time += timedelta(days=31)
    held_elsewhere = sweeping(house, Clock())
    await held_elsewhere.run()
    assert house.leavers() == {"hr0"}
    house.database.write_blocking(lambda c: leases.release(c, LEASE, "other"))
    await held_elsewhere.run()
    assert house.leavers() == set()
    await held_elsewhere.stop()


def _holder(house: House) -> str | None:
    return house.database.read_blocking(lambda c: leases.holder_of(c, LEASE, house.time))


def test_the_days_are_counted_from_when_the_last_record_went(house: House) -> None:
    with_leavers(house, 1)
    gone_at = house.user("hr0").gone_at
    assert gone_at is not None
    ends = house.database.read_blocking(lambda c: MONTH.ends_at(c, "hr", gone_at))
    assert ends is not None
    assert milliseconds(ends) - milliseconds(gone_at) == 30 * 86_400_000
    assert house.database.read_blocking(lambda c: GracePeriods().ends_at(c, "hr", gone_at)) is None
