"""An Authenticator that tells how long each question took and how it went, for the metrics; the answer is passed on."""

from __future__ import annotations

from typing import Any, Protocol

from gateway.model.connector import Authenticator, BindAnswer
from gateway.model.errors import SourceUnavailable


class TellUpstream(Protocol):
    """Told of each question; `outcome` is "accepted", "refused" or "unavailable"."""

    def __call__(self, source: str, outcome: str, seconds: float) -> None: ...


class MeasuredAuthenticator:
    """Wraps the Authenticator of one source. `clock` needs IReactorTime."""

    def __init__(self, source_id: str, asked: Authenticator, tell: TellUpstream, clock: Any) -> None:
        self._source_id = source_id
        self._asked = asked
        self._tell = tell
        self._clock = clock

    async def authenticate(self, dn: str, password: bytes) -> BindAnswer:
        """See Authenticator.authenticate."""
        began = self._clock.seconds()
        try:
            answer = await self._asked.authenticate(dn, password)
        except SourceUnavailable:
            self._tell(self._source_id, "unavailable", self._clock.seconds() - began)
            raise
        self._tell(self._source_id, answer.outcome.value, self._clock.seconds() - began)
        return answer

    async def decoy(self, password: bytes) -> None:
        """See Authenticator.decoy; decoys are not counted, since nobody was asked about."""
        await self._asked.decoy(password)
