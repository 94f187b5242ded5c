"""Workers as the primary has them, without processes: who is replaced when, who is handed what, and what is told of it."""

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
from gateway.app.workers import supervisor as crew_module
from gateway.app.workers import worker_handle as post_module
from gateway.app.workers.protocol import Closed, Counted, Enter, Entered, Failed, Handed, Left, Ready, Stop, Taken, counted
from gateway.app.workers.supervisor import Crew
from gateway.app.workers.worker_handle import MANY_UNTAKEN, Arrival, Desk
from gateway.directory.authentication.soft_lock import SoftLock
from gateway.frontends.ldap.core.counters import Statistics
from gateway.frontends.ldap.core.limits import ServerLimits
from gateway.frontends.ldap.server.connection_limits import CountedAdmission
from tests.app.machine import Machine, Process


class House:
    """A crew of two on such a machine."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.statistics = Statistics()
        self.soft_lock = SoftLock(self.machine.seconds, 2, 60)
        self.admission = CountedAdmission(ServerLimits(), self.statistics)
        desk = Desk(self.soft_lock, self.admission, self.statistics, lambda *_: None, lambda _: None)
        self.crew = Crew(Settings(ldap=LdapTable(workers=2)), (), None, desk, self.machine)
        self.crew.start()

    def worker(self, number: int = -1) -> Process:
        """The process that was started as the number-th, or the last one, and says that it serves."""
        process = self.machine.spawned[number]
        process.says(Ready())
        return process

    def arrive(self, host: str = "192.0.2.1") -> socket.socket:
        """A connection is accepted; the client's side of it."""
        client, server = socket.socketpair()
        post = self.crew._choose()
        assert post is not None
        self.admission.opened(host)
        post.hand(Arrival(server, host, encrypted=False))
        return client

    def wait(self, seconds: float, *speaking: Process) -> None:
        """Time goes by; these workers tell their statistics meanwhile."""
        while seconds >= 0:
            for process in speaking:
                process.says(counted(Statistics()))
            self.machine.advance(min(seconds, crew_module.LOOK_SECONDS))
            seconds -= crew_module.LOOK_SECONDS

    def pause(self) -> float:
        """Seconds until the next start."""
        calls: Any = self.machine.getDelayedCalls()
        return float(min(call.getTime() for call in calls if call.func == self.crew._start) - self.machine.seconds())


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.crew.stop()
    made.crew.drop_all()
    for arrival in made.crew._homeless:
        arrival.connection.close()


def test_a_worker_that_ends_is_replaced_at_once_and_a_crash_loop_slower_and_slower(house: House) -> None:
    other = house.worker(1)
    pauses: list[float] = []
    for _ in range(9):
        process = house.worker(0 if not pauses else -1)
        with capture_logs() as lines:
            process.ends()
        (line,) = lines
        pauses.append(house.pause())
        assert (line["worker"], line["how"], line["again_in_seconds"]) == (1, "by SIGKILL", pauses[-1])
        house.wait(pauses[-1], other)
    assert pauses == [0, 1, 2, 4, 8, 16, 30, 30, 30]
    assert house.crew.health().detail == "1 of 2 workers serve; worker 1 ended by SIGKILL"
    steady = house.worker()
    assert house.crew.health() == (True, "2 of 2 workers serve")
    house.wait(crew_module.STEADY_SECONDS, other, steady)
    steady.ends()
    assert house.pause() == 0
    assert house.crew.restarts == 10


def test_a_worker_that_cannot_be_started_is_tried_again(house: House) -> None:
    process = house.worker(0)
    house.machine.refuses = OSError(11, "Resource temporarily unavailable")
    process.ends()
    house.machine.advance(0)
    assert house.pause() == 1
    assert "before it began: Resource temporarily unavailable" in house.crew.health().detail
    house.machine.refuses = None
    house.machine.advance(1)
    house.worker()
    assert house.crew.serving == 1


def test_a_worker_for_whom_no_file_can_be_opened_is_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    process = house.worker(0)
    with monkeypatch.context() as patched:
        patched.setattr(post_module, "pair", Mock(side_effect=OSError(24, "Too many open files")))
        process.ends()
        house.machine.advance(0)
    assert house.pause() == 1
    house.machine.advance(1)
    house.worker()
    assert house.crew.serving == 1


def test_a_worker_that_is_silent_is_ended_and_one_that_counts_is_not(house: House) -> None:
    silent, speaking = house.worker(0), house.worker(1)
    house.wait(crew_module.SILENCE_SECONDS, speaking)
    assert not silent.killed
    house.wait(2 * crew_module.LOOK_SECONDS, speaking)
    assert (silent.killed, speaking.killed) == (True, False)


def test_a_clock_that_jumps_ends_no_worker(house: House) -> None:
    one, other = house.worker(0), house.worker(1)
    house.machine.advance(3600)
    assert not (one.killed or other.killed)


def test_connections_go_to_the_worker_with_the_fewest_and_not_to_one_that_takes_none(house: House) -> None:
    one, other = house.worker(0), house.worker(1)
    clients = [house.arrive() for _ in range(2 * MANY_UNTAKEN)]
    assert [len(process.hears()) for process in (one, other)] == [MANY_UNTAKEN] * 2
    other.says(*[Taken()] * MANY_UNTAKEN)
    clients += [house.arrive() for _ in range(3)]
    assert [len(process.hears()) for process in (one, other)] == [0, 3]
    other.says(*[Taken()] * 3, *[Closed("192.0.2.1")] * 11)
    assert house.statistics.connections == MANY_UNTAKEN
    for client in clients:
        client.close()


def test_a_connection_that_was_not_taken_goes_to_another_worker_or_waits_for_one(house: House) -> None:
    one, other = house.worker(0), house.worker(1)
    clients = [house.arrive(), house.arrive(), house.arrive(), house.arrive()]
    one.says(Taken())
    taken, untaken = house.crew._posts[0].connections, 3
    assert taken == 2
    one.ends()
    assert [type(message) for message in other.hears()] == [Handed] * untaken
    assert house.statistics.connections == untaken
    other.says(Taken())
    other.ends()
    assert (house.statistics.connections, house.crew.serving) == (2, 0)
    house.machine.advance(0)
    assert [type(message) for message in house.worker().hears()] == [Handed] * 2
    for client in clients:
        client.close()


def test_what_a_worker_asked_and_did_not_finish_is_given_back_when_it_ends(house: House) -> None:
    one, other = house.worker(0), house.worker(1)
    one.says(Enter(1, "ann"), Enter(2, "ann"))
    other.says(Enter(1, "ann"))
    assert one.hears() == [Entered(1, True), Entered(2, True)]
    assert other.hears() == []
    one.says(Failed("ann"))
    one.ends()
    assert other.hears() == [Entered(1, True)]
    other.says(Failed("ann"))
    assert house.soft_lock.is_locked("ann")


def test_nothing_is_remembered_of_names_whose_binds_are_over(house: House) -> None:
    one = house.worker(0)
    [post, _] = house.crew._posts
    one.says(Enter(1, "ann"), Enter(2, "ann"), Failed("ann"), Failed("ann"), Enter(3, "ann"), Left("ann"), Left("ann"))
    assert one.hears() == [Entered(1, True), Entered(2, True), Entered(3, False)]
    assert not post._asking


def test_what_a_worker_has_counted_stays_counted_when_it_ends(house: House) -> None:
    one, other = house.worker(0), house.worker(1)
    one.says(Counted({"entries": 5}, {"operations": [(("bind", 0), 2)]}), Counted({"entries": 7}, {}))
    other.says(Counted({"entries": 1}, {"operations": [(("bind", 0), 1), (("search", 0), 4)]}))
    assert (house.statistics.entries, house.statistics.operations["bind", 0]) == (8, 3)
    one.ends()
    house.machine.advance(0)
    house.worker().says(Counted({"entries": 2}, {}))
    assert house.statistics.entries == 10


def test_a_stop_waits_for_every_worker_and_starts_nobody(house: House) -> None:
    one, other = house.worker(0), house.worker(1)
    over: list[None] = []
    stopped: Deferred[None] = house.crew.stop()
    stopped.addCallback(over.append)
    assert one.hears() == other.hears() == [Stop()]
    one.ends(signal=15)
    assert over == []
    house.crew.drop_all()
    assert other.killed and over == [None]
    house.machine.advance(60)
    assert len(house.machine.spawned) == 2
