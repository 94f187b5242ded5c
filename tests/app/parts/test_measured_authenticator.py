"""Upstream binds are counted and timed, and their answers are passed on unchanged."""

from __future__ import annotations

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from gateway.app.parts.measured_authenticator import MeasuredAuthenticator
from gateway.model.connector import BindAnswer, BindOutcome, PolicyNotice
from gateway.model.errors import SourceUnavailable


class Upstream:
    """An upstream with the answer that the test has put in."""

    def __init__(self, answer: Deferred[BindAnswer]) -> None:
        self.answer = answer

    def authenticate(self, dn: str, password: bytes) -> Deferred[BindAnswer]:
        return self.answer

    def decoy(self, password: bytes) -> Deferred[None]:
        return succeed(None)


@pytest.mark.parametrize("outcome", list(BindOutcome))
def test_an_answer_is_timed_and_passed_on(outcome: BindOutcome) -> None:
    reported: list[tuple[str, str, float]] = []
    clock, answer = Clock(), Deferred[BindAnswer]()
    measured = MeasuredAuthenticator("hr", Upstream(answer), lambda *what: reported.append(what), clock)
    asking = Deferred.fromCoroutine(measured.authenticate("uid=ada", b"sesame"))
    clock.advance(0.25)
    said = BindAnswer(outcome, PolicyNotice(grace_binds_left=2))
    answer.callback(said)
    assert asking.result is said
    assert reported == [("hr", outcome.value, 0.25)]


@pytest_twisted.ensureDeferred
async def test_an_upstream_that_does_not_answer_is_reported_as_unavailable() -> None:
    reported: list[tuple[str, str, float]] = []
    upstream = Upstream(fail(SourceUnavailable("down")))
    measured = MeasuredAuthenticator("hr", upstream, lambda *what: reported.append(what), Clock())
    with pytest.raises(SourceUnavailable):
        await measured.authenticate("uid=ada", b"sesame")
    assert reported == [("hr", "unavailable", 0.0)]


@pytest_twisted.ensureDeferred
async def test_decoys_are_not_counted() -> None:
    reported: list[tuple[str, str, float]] = []
    measured = MeasuredAuthenticator("hr", Upstream(Deferred()), lambda *what: reported.append(what), Clock())
    await measured.decoy(b"sesame")
    assert reported == []
