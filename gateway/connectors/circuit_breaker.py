"""A circuit breaker: while a foreign system is known to be down, requests to it fail at once. Pure but for the clock handed
in."""

from collections.abc import Callable
from typing import Final

from gateway.model.backoff import Delays

FAILURES_TO_OPEN: Final = 3  # one lost connection is an accident
PAUSES: Final = Delays(first_seconds=1.0, cap_seconds=15.0)  # the cap: how late a server that came back is noticed at worst


class CircuitBreaker:
    """A circuit breaker. Closed, it admits everything. After FAILURES_TO_OPEN failures in a row it opens for a pause; then it
    admits one trial, whose success closes it and whose failure doubles the pause. `seconds` is the clock: monotonic seconds."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._failures = 0
        self._failed_trials = 0
        self._open_until: float | None = None
        self._is_on_trial = False
        self.reason = ""

    def admits(self) -> bool:
        """Return True when the request may be made; then `succeeded`, `failed` or `abandoned` must follow."""
        if self._open_until is None:
            return True
        if self._is_on_trial or self._seconds() < self._open_until:
            return False
        self._is_on_trial = True
        return True

    def succeeded(self) -> None:
        """Report that the system answered, with success or not."""
        self._failures = 0
        self._failed_trials = 0
        self._open_until = None
        self._is_on_trial = False

    def failed(self, reason: str) -> None:
        """Report that the system could not be reached or did not answer."""
        self.reason = reason
        self._failures += 1
        if self._is_on_trial:
            self._failed_trials += 1
        if self._failures >= FAILURES_TO_OPEN:
            self._open_until = self._seconds() + PAUSES.after(self._failed_trials)
        self._is_on_trial = False

    def abandoned(self) -> None:
        """Report that the request ended without a statement about the system."""
        self._is_on_trial = False
