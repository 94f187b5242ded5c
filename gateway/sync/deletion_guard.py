"""The deletion guard (law 8): the number of objects that a source may delete before an administrator must have looked. Pure.

An upstream that was wiped, an OU that moved out of a filter, an ACL that hides half a tree: all look like deletions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.model.objects import Kind


@dataclass(frozen=True, slots=True)
class Guard:
    """The limit of a kind is its number here, or `percent` of what the source has of it, whichever is larger. The deletions
    of the last `window_seconds` count with those that are coming: a wiped upstream may well report them one by one."""

    users: int = 30
    organizations: int = 10
    groups: int = 10
    percent: float = 5.0
    window_seconds: float = 600.0

    def limit(self, kind: Kind, total: int) -> int:
        """Return how many of `total` objects of a kind may go."""
        absolute = {Kind.USER: self.users, Kind.ORGANIZATION: self.organizations, Kind.GROUP: self.groups}[kind]
        return max(absolute, int(total * self.percent / 100))


@dataclass(frozen=True, slots=True)
class PendingDeletions:
    """The deletions of one kind that are about to happen: `deleting` now, `recent` within the window, of `present` that the
    source has now. `answered_nothing`: a full read brought not one entry of it."""

    kind: Kind
    deleting: int
    recent: int
    present: int
    answered_nothing: bool = False


def complaint(guard: Guard, deletions: Iterable[PendingDeletions]) -> str:
    """Return the numbers of each kind that is over its limit, as a clause; "" when all may pass."""
    return "; ".join(sentence for kind in deletions if (sentence := _complaint(guard, kind)))


def foreseen(source_id: str, reason: str) -> str:
    """Return the sentence for the administrator about a run that would be refused for this reason."""
    return f"source {source_id}: {reason}. These deletions would be held, everything else would go on. {_cure(source_id)}"


def refusal(source_id: str, reason: str, held: Mapping[Kind, int]) -> str:
    """Return the sentence for the administrator about deletions that are held, counted by kind; "" when none is."""
    if not held:
        return ""
    counts = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in held.items())
    return (
        f"source {source_id}: {reason}. Held are the deletions of {counts}, everything else goes on; "
        f"`gateway status {source_id} --problems` lists them. {_cure(source_id)}"
    )


def _cure(source_id: str) -> str:
    return (
        f"If this is right, carry them out with `gateway sync {source_id} --allow-deletions`; if not, mend the source's "
        "content, filters or rights: what is reported again is held no longer"
    )


def _complaint(guard: Guard, kind: PendingDeletions) -> str:
    if not kind.deleting:
        return ""
    if kind.answered_nothing:
        return f"it answered without a single {kind.kind} and had {kind.deleting}"
    limit = guard.limit(kind.kind, kind.present + kind.recent)
    if kind.deleting + kind.recent <= limit:
        return ""
    recently = f" after {kind.recent} in the last {guard.window_seconds / 60:g} minutes" if kind.recent else ""
    return f"it would delete {kind.deleting} of {kind.present} {kind.kind}s{recently}, and the limit is {limit}"
