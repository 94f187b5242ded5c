"""After a failure: how long to wait before the next attempt, and whether to say it again. Pure; the randomness is handed in.

Delays double up to a cap and carry jitter, so that many gateways do not come back at the same moment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.model.errors import InvalidSourceData, SourceRefused, SourceUnavailable

REPEAT_SECONDS: Final = 900.0  # the same failure is logged again after this long, so that a log that rotates still tells of it
JITTER: Final = 0.25  # of the delay, added or taken away


@dataclass(frozen=True, slots=True)
class Delays:
    """From `first_seconds`, doubling, up to `cap_seconds`."""

    first_seconds: float
    cap_seconds: float


DEFAULT_DELAYS: Final = Delays(1.0, 300.0)

DELAYS: Final[dict[type[Exception], Delays]] = {
    SourceUnavailable: DEFAULT_DELAYS,
    SourceRefused: Delays(15.0, 300.0),  # trying a wrong password often locks the account at the upstream
    InvalidSourceData: Delays(1.0, 30.0),  # somebody is editing the file and wants to see the result
}
"""Errors that are not listed take DEFAULT_DELAYS."""


@dataclass(slots=True)
class Backoff:
    """Counts the failures in a row. `random` gives numbers from 0 to 1."""

    random: Callable[[], float] = field(repr=False)
    failures: int = 0

    def failed(self, error: Exception) -> float:
        """The seconds to wait after one more failure."""
        delays = next((found for kind, found in DELAYS.items() if isinstance(error, kind)), DEFAULT_DELAYS)
        doubled = delays.first_seconds * 2.0 ** min(self.failures, 30)
        self.failures += 1
        return min(doubled, delays.cap_seconds) * (1 - JITTER + 2 * JITTER * self.random())

    def succeeded(self) -> int:
        """Start again from the first delay; how many failures lie behind."""
        behind, self.failures = self.failures, 0
        return behind


@dataclass(slots=True)
class Repetition:
    """Tells a new sentence from one that was just said."""

    sentence: str = ""
    said_at: float = float("-inf")
    unsaid: int = 0

    def is_news(self, sentence: str, now: float) -> bool:
        """True when the sentence is another one than the last, or that one is REPEAT_SECONDS old. `now` in seconds."""
        if sentence == self.sentence and now - self.said_at < REPEAT_SECONDS:
            self.unsaid += 1
            return False
        self.sentence, self.said_at, self.unsaid = sentence, now, 0
        return True

    def forget(self) -> None:
        """After a success every failure is news again."""
        self.sentence, self.said_at, self.unsaid = "", float("-inf"), 0
