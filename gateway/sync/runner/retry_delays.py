"""The delays before a source is read again after a failure, by the kind of failure."""

from typing import Final

from gateway.model.backoff import Delays
from gateway.model.errors import InvalidSourceData, SourceRefused, SourceUnavailable

JITTER: Final = (0.75, 1.25)

DEFAULT_DELAYS: Final = Delays(1.0, 300.0, JITTER)

DELAYS: Final[dict[type[Exception], Delays]] = {
    SourceUnavailable: DEFAULT_DELAYS,
    SourceRefused: Delays(15.0, 300.0, JITTER),  # trying a wrong password often locks the account at the upstream
    InvalidSourceData: Delays(1.0, 30.0, JITTER),  # an administrator is editing the file and wants to see the result
}
"""Errors that are not listed take DEFAULT_DELAYS."""


def delays_for(error: Exception) -> Delays:
    """Return the delays for failures of this kind."""
    return next((delays for kind, delays in DELAYS.items() if isinstance(error, kind)), DEFAULT_DELAYS)
