"""The supervisor without processes: which worker is replaced when, which is handed what, and what is reported of them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred

from gateway.app.config.listener_tables import LdapTable
from gateway.app.config.settings import Settings
from gateway.app.workers import supervisor, worker_handle
from gateway.app.workers.protocol import (
    BindFailed,
    ConnectionClosed,
    ConnectionTaken,
    CountersReport,
    EnterSoftLock,
    NewConnection,
    Ready,
    SoftLockEntered,
    SoftLockLeft,
    Stop,
    counters_report,
)
from gateway.app.workers.supervisor import Supervisor
from gateway.app.workers.worker_handle import MANY_PENDING, AcceptedConnection, SharedState
from gateway.directory.authentication.soft_lock.lock import SoftLock
from gateway.frontends.ldap.core.counters import ServerCounters
from gateway.frontends.ldap.core.limits import ServerLimits
from gateway.frontends.ldap.server.connection_limits import CountedAdmission
from gateway.model.errors import GatewayError
from tests.app.fake_reactor import FakeProcess, FakeReactor


class SupervisedWorkers:
    """A supervisor of two workers on a FakeReactor, with the parts of the primary that they share."""

    def __init__(self) -> None:
        self.reactor = FakeReactor()
        self.counters = ServerCounters()
        self.soft_lock = SoftLock(self.reactor.seconds, 2, 60)
        self.admission = CountedAdmission(ServerLimits(), self.counters)
        shared = SharedState(self.soft_lock, self.admission, self.counters, lambda *_: None, lambda _: None)
        self.failures: list[GatewayError] = []
        self.supervisor = Supervisor(
            Settings(ldap=LdapTable(workers=2)), (), None, shared, self.reactor.typed, [self.failures.append]
        )
        self.supervisor.start()

    def worker(self, number: int = -1) -> FakeProcess:
        """Return the process that was started as the number-th, or the last one, after it has sent Ready."""
        process = self.reactor.spawned[number]
        process.sends(Ready())
        return process

    def arrive(self, host: str = "192.0.2.1") -> socket.socket:
        """Accept a connection; return the client's side of it."""
        client, server = socket.socketpair()
        worker = self.supervisor._next_worker()
        assert worker is not None
        self.admission.opened(host)
        worker.hand_over(AcceptedConnection(server, host, 1, encrypted=False))
        return client

    def wait(self, seconds: float, *beating: FakeProcess) -> None:
        """Let time go by, in which these workers send their heartbeats."""
        while seconds >= 0:
            for process in beating:
                process.sends(counters_report(ServerCounters()))
            self.reactor.advance(min(seconds, supervisor.HEARTBEAT_CHECK_SECONDS))
            seconds -= supervisor.HEARTBEAT_CHECK_SECONDS

    def pause(self) -> float:
        """Return the seconds until the next start."""
        calls: Any = self.reactor.getDelayedCalls()
        return float(min(call.getTime() for call in calls if call.func == self.supervisor._start) - self.reactor.seconds())


@pytest.fixture
def primary() -> Iterator[SupervisedWorkers]:
    made = SupervisedWorkers()
    yield made
    made.supervisor.stop()
    made.supervisor.drop_all()
    for arrival in made.supervisor._unassigned:
        arrival.connection.close()


def test_a_worker_that_ends_is_replaced_at_once_and_a_crash_loop_slower_and_slower(primary: SupervisedWorkers) -> None:
    other = primary.worker(1)
    pauses: list[float] = []
    for _ in range(9):
        process = primary.worker(0 if not pauses else -1)
        with capture_logs() as lines:
            process.ends()
        (line,) = lines
        pauses.append(primary.pause())
        assert (line["worker"], line["how"], line["again_in_seconds"]) == (1, "by SIGKILL", pauses[-1])
        primary.wait(pauses[-1], other)
    assert pauses == [0, 1, 2, 4, 8, 16, 30, 30, 30]
    assert primary.supervisor.health().detail == "1 of 2 workers serve; worker 1 ended by SIGKILL"
    steady = primary.worker()
    assert primary.supervisor.health() == (True, "2 of 2 workers serve")
    primary.wait(supervisor.STEADY_SECONDS, other, steady)
    steady.ends()
    assert primary.pause() == 0
    assert primary.supervisor.restarts == 10


def test_workers_none_of_which_comes_so_far_as_to_serve_are_given_up(primary: SupervisedWorkers) -> None:
    for _ in range(supervisor.MAX_FIRST_STARTS):
        assert primary.failures == []
        primary.reactor.spawned[0 if len(primary.reactor.spawned) == 2 else -1].ends()
        primary.reactor.advance(1)
    [error] = primary.failures
    assert "worker 1 ended by SIGKILL, 3 times before it could serve" in str(error)
    assert "`[ldap] workers = 1`" in str(error)


def test_a_worker_that_cannot_be_started_is_tried_again(primary: SupervisedWorkers) -> None:
    process = primary.worker(0)
    primary.reactor.refuses = OSError(11, "Resource temporarily unavailable")
    process.ends()
    primary.reactor.advance(0)
    assert primary.pause() == 1
    assert "before it began: Resource temporarily unavailable" in primary.supervisor.health().detail
    primary.reactor.refuses = None
    primary.reactor.advance(1)
    primary.worker()
    assert primary.supervisor.serving == 1


def test_a_worker_for_which_no_file_can_be_opened_is_tried_again(
    primary: SupervisedWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = primary.worker(0)
    with monkeypatch.context() as patched:
        patched.setattr(worker_handle, "pair", Mock(side_effect=OSError(24, "Too many open files")))
        process.ends()
        primary.reactor.advance(0)
    assert primary.pause() == 1
    primary.reactor.advance(1)
    primary.worker()
    assert primary.supervisor.serving == 1


def test_a_worker_without_a_heartbeat_is_ended_and_one_with_it_is_not(primary: SupervisedWorkers) -> None:
    silent, beating = primary.worker(0), primary.worker(1)
    primary.wait(supervisor.MAX_SILENCE_SECONDS, beating)
    assert not silent.killed
    primary.wait(2 * supervisor.HEARTBEAT_CHECK_SECONDS, beating)
    assert (silent.killed, beating.killed) == (True, False)


def test_a_clock_that_jumps_ends_no_worker(primary: SupervisedWorkers) -> None:
    one, other = primary.worker(0), primary.worker(1)
    primary.reactor.advance(3600)
    assert not (one.killed or other.killed)


def test_connections_go_to_the_worker_with_the_fewest_and_not_to_one_that_takes_none(primary: SupervisedWorkers) -> None:
    one, other = primary.worker(0), primary.worker(1)
    clients = [primary.arrive() for _ in range(2 * MANY_PENDING)]
    assert [len(process.received()) for process in (one, other)] == [MANY_PENDING] * 2
    other.sends(*[ConnectionTaken()] * MANY_PENDING)
    clients += [primary.arrive() for _ in range(3)]
    assert [len(process.received()) for process in (one, other)] == [0, 3]
    other.sends(*[ConnectionTaken()] * 3, *[ConnectionClosed("192.0.2.1")] * 11)
    assert primary.counters.connections == MANY_PENDING
    for client in clients:
        client.close()


def test_a_connection_that_was_not_taken_goes_to_another_worker_or_waits_for_one(primary: SupervisedWorkers) -> None:
    one, other = primary.worker(0), primary.worker(1)
    clients = [primary.arrive(), primary.arrive(), primary.arrive(), primary.arrive()]
    one.sends(ConnectionTaken())
    taken, pending = primary.supervisor._workers[0].connections, 3
    assert taken == 2
    one.ends()
    assert [type(message) for message in other.received()] == [NewConnection] * pending
    assert primary.counters.connections == pending
    other.sends(ConnectionTaken())
    other.ends()
    assert (primary.counters.connections, primary.supervisor.serving) == (2, 0)
    primary.reactor.advance(0)
    assert [type(message) for message in primary.worker().received()] == [NewConnection] * 2
    for client in clients:
        client.close()


def test_binds_in_progress_of_a_worker_are_given_back_to_the_soft_lock_when_it_ends(primary: SupervisedWorkers) -> None:
    one, other = primary.worker(0), primary.worker(1)
    one.sends(EnterSoftLock(1, "ann"), EnterSoftLock(2, "ann"))
    other.sends(EnterSoftLock(1, "ann"))
    assert one.received() == [SoftLockEntered(1, True), SoftLockEntered(2, True)]
    assert other.received() == []
    one.sends(BindFailed("ann"))
    one.ends()
    assert other.received() == [SoftLockEntered(1, True)]
    other.sends(BindFailed("ann"))
    assert primary.soft_lock.is_locked("ann")


def test_names_whose_binds_are_over_are_forgotten(primary: SupervisedWorkers) -> None:
    one = primary.worker(0)
    [worker, _] = primary.supervisor._workers
    one.sends(
        EnterSoftLock(1, "ann"),
        EnterSoftLock(2, "ann"),
        BindFailed("ann"),
        BindFailed("ann"),
        EnterSoftLock(3, "ann"),
        SoftLockLeft("ann"),
        SoftLockLeft("ann"),
    )
    assert one.received() == [SoftLockEntered(1, True), SoftLockEntered(2, True), SoftLockEntered(3, False)]
    assert not worker._binds_in_progress


def test_the_statistics_of_a_worker_stay_counted_when_it_ends(primary: SupervisedWorkers) -> None:
    one, other = primary.worker(0), primary.worker(1)
    one.sends(CountersReport({"entries": 5}, {"operations": [(("bind", 0), 2)]}), CountersReport({"entries": 7}, {}))
    other.sends(CountersReport({"entries": 1}, {"operations": [(("bind", 0), 1), (("search", 0), 4)]}))
    assert (primary.counters.entries, primary.counters.operations["bind", 0]) == (8, 3)
    one.ends()
    primary.reactor.advance(0)
    primary.worker().sends(CountersReport({"entries": 2}, {}))
    assert primary.counters.entries == 10


def test_a_stop_waits_for_every_worker_and_starts_no_other(primary: SupervisedWorkers) -> None:
    one, other = primary.worker(0), primary.worker(1)
    over: list[None] = []
    stopped: Deferred[None] = primary.supervisor.stop()
    stopped.addCallback(over.append)
    assert one.received() == other.received() == [Stop()]
    one.ends(signal=15)
    assert over == []
    primary.supervisor.drop_all()
    assert other.killed and over == [None]
    primary.reactor.advance(60)
    assert len(primary.reactor.spawned) == 2
