"""Exponential back-off: the delay before the next attempt grows with each failure in a row.

Pure: nothing here waits, and the randomness is handed in. Every retry of the gateway takes its delays from here."""

import random as randomness
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

MAX_DOUBLINGS: Final = 30  # far past every cap; after some 1,000 failures 2 ** failures would overflow a float


@dataclass(frozen=True, slots=True)
class Delays:
    """A series of delays in seconds: `first_seconds`, doubled after each failure, at most `cap_seconds`.

    Each is multiplied by a random factor between the two of `jitter`, so that many gateways do not come back at the same
    moment; by default there is no jitter."""

    first_seconds: float
    cap_seconds: float
    jitter: tuple[float, float] = (1.0, 1.0)

    def after(self, failures: int) -> float:
        """Return the delay that follows so many earlier failures (0: the first one), without jitter."""
        return min(self.first_seconds * 2.0 ** min(failures, MAX_DOUBLINGS), self.cap_seconds)


@dataclass(slots=True)
class Backoff:
    """The count of failures in a row of one attempt. `random` yields numbers from 0 to 1."""

    random: Callable[[], float] = field(default=randomness.random, repr=False)
    failures: int = 0

    def failed(self, delays: Delays) -> float:
        """Count one more failure and return the seconds to wait before the next attempt."""
        low, high = delays.jitter
        delay = delays.after(self.failures) * (low + (high - low) * self.random())
        self.failures += 1
        return delay

    def succeeded(self) -> None:
        """Start again from the first delay."""
        self.failures = 0
