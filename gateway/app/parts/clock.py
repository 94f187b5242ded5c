"""The clock that wiring and commands hand to the parts."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present, aware, UTC."""
    return datetime.now(UTC)
