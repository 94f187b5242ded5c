"""The gateway's soft lock beside the rules by which a source locks accounts: the soft lock must come first (law 13), or a
guesser at the gateway locks people out of the source."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from gateway.model.connector import CheckItem, CheckStatus, Lockout


def compared(item: CheckItem, failures: int, seconds: float) -> CheckItem:
    """Return the item of `gateway check`, with a warning when the soft lock (`failures` for each name within `seconds`) lets
    enough wrong passwords through to lock an account."""
    late = [lockout for lockout in item.lockouts if let_through(lockout, failures, seconds) >= lockout.failures]
    if not late:
        return item
    worst = max(late, key=lambda lockout: let_through(lockout, failures, seconds) - lockout.failures)
    count = let_through(worst, failures, seconds)
    through = f"{count} of one name" if math.isfinite(count) else "more"
    detail = f"{item.detail}; [limits] bind_failures = {failures} and bind_failure_seconds = {seconds:g} let {through} through"
    return replace(item, status=CheckStatus.WARNED, detail=detail, cure=_cure(item.lockouts))


def let_through(lockout: Lockout, failures: int, seconds: float) -> float:
    """Return the most wrong passwords for one name that reach the source within its window: all but one at the end of one
    window of the soft lock, and then those of every window that begins before the source's is over."""
    if lockout.seconds is None:
        return math.inf
    return failures - 1 + failures * max(1, math.ceil(lockout.seconds / seconds))


def _cure(lockouts: Sequence[Lockout]) -> str:
    """Return the largest values that fit all of the rules."""
    fitting = min(lockout.failures for lockout in lockouts) // 2
    windows = [lockout.seconds for lockout in lockouts if lockout.seconds is not None]
    if not fitting or len(windows) < len(lockouts):
        return "no values fit: let the source forget failures after a time, and lock after two or more"
    return (
        f"set [limits] bind_failures = {fitting} and bind_failure_seconds = {max(windows):g}, or raise the source's threshold"
    )
