"""An Authenticator that reports the duration and outcome of each upstream bind to the metrics and passes the answer on."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from gateway.model.connector import Authenticator, BindAnswer
from gateway.model.errors import SourceUnavailable


class ReportUpstream(Protocol):
    """Records one upstream bind; `outcome` is "accepted", "refused" or "unavailable"."""

    def __call__(self, source: str, outcome: str, seconds: float) -> None: ...


class MeasuredAuthenticator:
    """Wraps the Authenticator of one source."""

    def __init__(self, source_id: str, authenticator: Authenticator, report: ReportUpstream, clock: IReactorTime) -> None:
        self._source_id = source_id
        self._authenticator = authenticator
        self._report = report
        self._clock = clock

    async def authenticate(self, dn: str, password: bytes) -> BindAnswer:
        """See Authenticator.authenticate."""
        began = self._clock.seconds()
        try:
            answer = await self._authenticator.authenticate(dn, password)
        except SourceUnavailable:
            self._report(self._source_id, "unavailable", self._clock.seconds() - began)
            raise
        self._report(self._source_id, answer.outcome.value, self._clock.seconds() - began)
        return answer

    async def decoy(self, password: bytes) -> None:
        """See Authenticator.decoy; decoys are not counted, since they concern no user."""
        await self._authenticator.decoy(password)
