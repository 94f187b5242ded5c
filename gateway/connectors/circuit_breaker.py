"""A circuit breaker: while a foreign system is known to be down, nobody waits for it. Pure but for the clock handed in."""

from collections.abc import Callable
from typing import Final

from gateway.model.backoff import Delays

FAILURES_TO_OPEN: Final = 3  # one lost connection is an accident
PAUSES: Final = Delays(first_seconds=1.0, cap_seconds=15.0)  # the cap: how late a server that came back is noticed at worst


class CircuitBreaker:
    """Closed, it admits everything. After FAILURES_TO_OPEN failures in a row it opens for a pause; then it admits one trial,
    whose success closes it and whose failure doubles the pause. `seconds` is the clock: monotonic seconds."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._failures = 0
        self._failed_trials = 0
        self._closed_from: float | None = None
        self._trial = False
        self.reason = ""

    def admits(self) -> bool:
        """Whether to try. After True, `succeeded`, `failed` or `abandoned` must follow."""
        if self._closed_from is None:
            return True
        if self._trial or self._seconds() < self._closed_from:
            return False
        self._trial = True
        return True

    def succeeded(self) -> None:
        """The system answered, whatever it said."""
        self._failures = 0
        self._failed_trials = 0
        self._closed_from = None
        self._trial = False

    def failed(self, reason: str) -> None:
        """The system could not be reached or did not answer."""
        self.reason = reason
        self._failures += 1
        if self._trial:
            self._failed_trials += 1
        if self._failures >= FAILURES_TO_OPEN:
            self._closed_from = self._seconds() + PAUSES.after(self._failed_trials)
        self._trial = False

    def abandoned(self) -> None:
        """The try told nothing about the system."""
        self._trial = False
