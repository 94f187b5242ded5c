"""Binds are shared out by address: a guesser slows itself down, and neither other addresses nor the people beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from gateway.directory.authentication import bind_admission
from gateway.directory.authentication.authentication import InvalidCredentials
from gateway.directory.authentication.bind_admission import (
    BRAKE_SECONDS,
    BRAKED_BINDS,
    FORGIVEN_PER_SECOND,
    FREE_FAILURES,
    MAX_BINDS,
    MAX_FAILURES,
    BindAdmission,
    BindTurn,
)
from tests.directory.binding import PEOPLE, Bed

GUESSER, PROXY, OTHER = "192.0.2.66", "192.0.2.7", "192.0.2.1"


class Binds:
    """Binds that are begun, and end when the test says so."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.admission = BindAdmission(self.clock)

    def begin(self, host: str, name: str = "nobody", port: int = 1) -> "list[BindTurn]":
        """One bind; its turn when it has come."""
        turns: list[BindTurn] = []
        Deferred.fromCoroutine(self.admission.enter(name, f"{host}:{port}")).addCallback(turns.append)
        return turns

    def end(self, turns: "list[BindTurn]", *, right: bool | None = None) -> None:
        (turn,) = turns
        if right is not None:
            turn.succeeded() if right else turn.failed()
        self.admission.leave(turn)

    def guess(self, host: str, times: int, port: int = 1) -> None:
        """So many wrong passwords, one after the other, at the same time of the clock but for the brake."""
        for number in range(times):
            turns = self.begin(host, f"made up {number}", port)
            while not turns:
                self.clock.advance(BRAKE_SECONDS)
            self.end(turns, right=False)


@pytest.fixture
def binds() -> Binds:
    return Binds()


def test_no_address_has_more_places_than_are_left_and_another_has_the_next_at_once(binds: Binds) -> None:
    turns = [binds.begin(PROXY) for _ in range(MAX_BINDS)]
    assert len([one for one in turns if one]) == MAX_BINDS // 2
    assert binds.begin(OTHER)


def test_places_that_become_free_go_to_the_addresses_in_turns(binds: Binds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bind_admission, "MAX_BINDS", 2)
    held = [(host, binds.begin(host)) for host in (PROXY, OTHER)]
    assert [len(turns) for _, turns in held] == [1, 1]
    waiting = [(host, binds.begin(host)) for host in (PROXY, PROXY, PROXY, OTHER)]
    order = []
    for _ in range(3):
        (_, turns), *held = held
        binds.end(turns)
        (next_one,) = [one for one in waiting if one[1]]
        waiting.remove(next_one)
        held.append(next_one)
        order.append(next_one[0])
    assert order == [PROXY, OTHER, PROXY]


def test_a_guesser_is_slowed_down_and_another_address_is_not(binds: Binds) -> None:
    binds.guess(GUESSER, FREE_FAILURES + 1)
    first, second = binds.begin(GUESSER, "a"), binds.begin(GUESSER, "b")
    assert (len(first), len(second)) == (1, 0)
    assert binds.begin(OTHER)
    binds.clock.advance(BRAKE_SECONDS)
    assert second
    third = binds.begin(GUESSER, "c")
    binds.clock.advance(BRAKE_SECONDS)
    assert not third, f"{BRAKED_BINDS} are in progress"
    binds.end(first, right=False)
    assert third


def test_as_many_failures_as_are_free_slow_nobody_down(binds: Binds) -> None:
    for number in range(FREE_FAILURES):
        binds.end(binds.begin(PROXY, str(number)), right=False)
    turns = [binds.begin(PROXY) for _ in range(5)]
    assert all(turns)


def test_right_passwords_take_failures_away_so_that_a_proxy_for_everybody_is_not_slowed_down(binds: Binds) -> None:
    for number in range(10 * FREE_FAILURES):
        binds.end(binds.begin(PROXY, f"wrong {number}"), right=False)
        binds.end(binds.begin(PROXY, f"right {number}"), right=True)
    assert all(binds.begin(PROXY) for _ in range(5))


def test_a_name_that_was_right_at_a_slowed_address_does_not_wait_and_one_guess_at_it_ends_that(binds: Binds) -> None:
    binds.end(binds.begin(PROXY, "anna"), right=True)
    binds.guess(PROXY, MAX_FAILURES)
    crowd = [binds.begin(PROXY, f"guess {number}") for number in range(100)]
    assert len([one for one in crowd if one]) <= 1
    anna = binds.begin(PROXY, "anna", 9)
    assert anna
    assert not binds.begin(PROXY, "ben", 10)
    binds.end(anna, right=False)
    assert not binds.begin(PROXY, "anna", 9)


def test_at_a_slowed_address_connections_that_have_not_failed_go_first(binds: Binds) -> None:
    binds.guess(PROXY, FREE_FAILURES + 1, port=66)
    crowd = [binds.begin(PROXY, f"guess {number}", 66) for number in range(400)]
    ben = binds.begin(PROXY, "ben", 10)
    for _ in range(3):
        binds.clock.advance(BRAKE_SECONDS)
        for turns in crowd:
            if turns and not ben:
                binds.end([turns.pop()], right=False)
    assert ben


def test_failures_are_forgotten_as_time_goes_by(binds: Binds) -> None:
    binds.guess(GUESSER, 2 * MAX_FAILURES)
    binds.clock.advance(MAX_FAILURES / FORGIVEN_PER_SECOND)
    assert all(binds.begin(GUESSER) for _ in range(5))


def test_slowed_addresses_together_leave_half_of_the_places(binds: Binds) -> None:
    guessers = [f"198.51.100.{number}" for number in range(MAX_BINDS)]
    for host in guessers:
        binds.guess(host, FREE_FAILURES + 1)
    binds.clock.advance(BRAKE_SECONDS)
    turns = [binds.begin(host) for host in guessers]
    assert len([one for one in turns if one]) == MAX_BINDS // 2
    assert binds.begin(OTHER)


@ensureDeferred
async def test_a_client_that_goes_while_it_waits_takes_no_place(binds: Binds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bind_admission, "MAX_BINDS", 1)
    held = binds.begin(OTHER)
    gone = Deferred.fromCoroutine(binds.admission.enter("x", f"{OTHER}:2"))
    behind = binds.begin(OTHER, port=3)
    gone.cancel()
    with pytest.raises(CancelledError):
        await gone
    binds.end(held)
    assert behind


def test_addresses_names_and_connections_remembered_are_bounded(binds: Binds, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("MAX_ADDRESSES", "MAX_FAMILIAR", "MAX_CONNECTIONS"):
        monkeypatch.setattr(bind_admission, limit, 3)
    for number in range(12):
        binds.end(binds.begin(f"198.51.100.{number}", "x", number), right=False)
        binds.end(binds.begin(OTHER, f"person {number}", number), right=True)
    assert len(binds.admission._addresses) <= 3
    assert len(binds.admission._familiar) == 3
    for port in range(12):
        binds.end(binds.begin(GUESSER, "x", port), right=False)
    assert len(binds.admission._addresses[GUESSER].of_connection) <= 3


def test_a_guesser_who_goes_on_is_not_forgotten_for_addresses_that_came_later(
    binds: Binds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bind_admission, "MAX_ADDRESSES", 3)
    for number in range(12):
        binds.guess(GUESSER, 1)
        binds.guess(f"198.51.100.{number}", 1)
    assert binds.admission._addresses[GUESSER].failures == 12


def test_nothing_is_remembered_of_an_address_without_failures(binds: Binds) -> None:
    binds.end(binds.begin(OTHER), right=True)
    assert not binds.admission._addresses


@pytest.mark.parametrize(
    ("host", "network"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3::4", "2001:db8:1:2::"), ("fe80::1%eth0", "fe80::"), ("local", "local")],
)
def test_what_one_ipv6_client_has_is_one_address(host: str, network: str) -> None:
    assert bind_admission.network_of(host) == network


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    bed = Bed(tmp_path)
    bed.authentication = bed.make(admission=BindAdmission(bed.clock))
    yield bed
    bed.close()


@ensureDeferred
async def test_law_13_a_guesser_of_many_names_waits_and_anna_at_another_address_does_not(bed: Bed) -> None:
    for number in range(FREE_FAILURES + 2):
        with pytest.raises(InvalidCredentials):
            await bed.authentication.bind(f"uid=nobody{number},{PEOPLE}", b"guess", f"{GUESSER}:1")
    waiting = Deferred.fromCoroutine(bed.authentication.bind(f"uid=nobody,{PEOPLE}", b"guess", f"{GUESSER}:1"))
    assert not waiting.called
    assert (await bed.bind(f"uid=anna,{PEOPLE}", b"right")).user_id
    bed.clock.advance(BRAKE_SECONDS)
    with pytest.raises(InvalidCredentials):
        await waiting
