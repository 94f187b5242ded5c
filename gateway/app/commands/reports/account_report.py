"""A user's account in words: what keeps it disabled, and who checks its password."""

from __future__ import annotations

from datetime import datetime

from gateway.directory.authentication.password_authority import PasswordDecision
from gateway.model.records import DECIDED_BY_PERSON
from gateway.store.objects.disablements import Disablement


def disabled(one: Disablement) -> str:
    """Return the sentence about what keeps a user disabled."""
    why = f": {one.reason}" if one.reason else ""
    by = f"by {one.decided_by.removeprefix(DECIDED_BY_PERSON)}{why}"
    how = by if one.is_by_person else f"the source {one.source_id} had this user disabled when it had them last"
    return f"disabled since {time(one.since)}, {how}; gateway user enable ends it"


def disabled_facts(one: Disablement) -> dict[str, object]:
    """Return what keeps a user disabled, for JSON."""
    source_id = None if one.is_by_person else one.source_id
    return {"source": source_id, "decided_by": one.decided_by, "reason": one.reason, "since": one.since}


def checked_by(password: PasswordDecision) -> str:
    """Return who checks a user's password, and why."""
    reasons = zip(password.vouching, password.reasons, strict=True)
    asked = " or ".join(f"{account.source_id} ({account.dn}): {why}" for account, why in reasons)
    if password.left is None:
        return f"checked by {asked}" if asked else "no source checks it; a local one counts"
    source_id, left_at = password.left.account.source_id, time(password.left.left_at)
    left = f"the source {source_id} checked it and has the user no more since {left_at}"
    if asked:
        return f"checked by {asked} ({left})"
    return f"{left}: none counts but one that a person lets count (gateway links link, user set-password, user enable)"


def left_facts(password: PasswordDecision) -> dict[str, object] | None:
    """Return the source that checked the password and has the user no more, for JSON."""
    left = password.left
    return None if left is None else {"source": left.account.source_id, "since": left.left_at}


def time(at: datetime) -> str:
    """Return a time as sentences have it."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
