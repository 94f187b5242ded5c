"""Half-received messages of clients without a bind have one budget, and each address has a share of it."""

from collections.abc import Callable

import pytest

from gateway.frontends.ldap.core.limits import UNBOUND_BYTES, UNBOUND_BYTES_PER_ADDRESS
from gateway.frontends.ldap.server.receive_budget import ReceiveBudget

Gone = list[str]
PIECE = 64 * 1024
SHARE, ALL = UNBOUND_BYTES_PER_ADDRESS // PIECE, UNBOUND_BYTES // PIECE


class Receiver:
    """A connection that notes its end."""

    def __init__(self, name: str, gone: Gone) -> None:
        self.name = name
        self._gone = gone

    def drop(self, reason: str, cure: str | None = None) -> None:
        assert "unfinished" in reason
        assert cure is None
        self._gone.append(self.name)


@pytest.fixture
def gone() -> Gone:
    return []


@pytest.fixture
def budget() -> ReceiveBudget:
    return ReceiveBudget()


@pytest.fixture
def receive(budget: ReceiveBudget, gone: Gone) -> Callable[[str, str], Receiver]:
    def hold(name: str, host: str) -> Receiver:
        receiver = Receiver(name, gone)
        budget.hold(receiver, host, PIECE)
        return receiver

    return hold


def test_an_address_with_more_than_its_share_loses_its_oldest_and_no_other_address_loses_any(
    receive: Callable[[str, str], Receiver], gone: Gone
) -> None:
    receive("other", "10.0.0.1")
    for number in range(SHARE + 2):
        receive(f"greedy {number}", "10.0.0.2")
    assert gone == ["greedy 0", "greedy 1"]


def test_beyond_the_budget_of_all_the_oldest_goes(receive: Callable[[str, str], Receiver], gone: Gone) -> None:
    for number in range(ALL + 1):
        receive(str(number), f"10.0.{number // 250}.{number % 250}")
    assert gone == ["0"]


def test_what_was_completed_or_has_gone_is_given_back(
    budget: ReceiveBudget, receive: Callable[[str, str], Receiver], gone: Gone
) -> None:
    for number in range(3 * ALL):
        one = receive(str(number), "10.0.0.1")
        budget.hold(one, "10.0.0.1", PIECE + 1)
        budget.release(one)
        budget.release(one)
    assert (gone, budget.total, dict(budget.by_host)) == ([], 0, {})
