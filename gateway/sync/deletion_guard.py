"""The deletion guard (law 8): the number of objects that a source may delete before an administrator must have looked. Pure.

An upstream that was wiped, an OU that moved out of a filter, an ACL that hides half a tree: all look like deletions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.model.objects import Kind


@dataclass(frozen=True, slots=True)
class Guard:
    """The limit of a kind is its number here, or `percent` of what the source has of it, whichever is larger; that of all kinds
    together is the largest of them. The deletions of the last `window_seconds` count with those that are coming: a wiped
    upstream may well report them one by one."""

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
    source has now. `left`: leavers of within the window, who can be put back. `answered_nothing`: a full read brought not one
    entry of the kind."""

    kind: Kind
    deleting: int
    recent: int
    present: int
    answered_nothing: bool = False
    left: int = 0

    @property
    def total(self) -> int:
        """All that count: those about to happen and those of within the window."""
        return self.deleting + self.left + self.recent


def complaint(guard: Guard, deletions: Sequence[PendingDeletions]) -> str:
    """Return the numbers that are over a limit, that of a kind or of all kinds together, as a clause; "" when all may pass."""
    clauses = [clause for kind in deletions if (clause := _of_kind(guard, kind))]
    if not clauses and is_over(guard, deletions):
        counts = counted({kind.kind: kind.deleting + kind.left for kind in deletions})
        limit = f"and the limit of all kinds together is {_limit(guard, deletions)}"
        clauses = [f"it would delete {counts}{_before(guard, deletions)}, {limit}"]
    return "; ".join(clauses)


def is_over(guard: Guard, deletions: Sequence[PendingDeletions]) -> bool:
    """Return True when more would go than a limit allows, that of a kind or of all kinds together: the largest that a kind
    has."""
    if not any(kind.deleting for kind in deletions):
        return False
    too_many = any(kind.deleting and kind.total > _limit_of(guard, kind) for kind in deletions)
    return too_many or sum(kind.total for kind in deletions) > _limit(guard, deletions)


def apart(guard: Guard, compared: Collection[Kind], deletions: Sequence[PendingDeletions]) -> Sequence[PendingDeletions]:
    """Return the deletions without anybody to be put back where a comparison is over the limit by itself: those who left before
    it are no part of what is wrong."""
    alone = [replace(kind, left=0, recent=0) for kind in deletions]
    if not (compared and is_over(guard, alone)):
        return deletions
    return [replace(kind, left=0, recent=kind.recent + kind.left) for kind in deletions]


def foreseen(source_id: str, reason: str, held: Mapping[Kind, int], put_back: int) -> str:
    """Return the sentence for the administrator about a run that would be refused for this reason."""
    return (
        f"source {source_id}: {reason}. The deletions of {counted(held)}{_of_whom(put_back, 'would be')} would be held, "
        f"everything else would go on. {_cure(source_id)}"
    )


def refusal(source_id: str, reason: str, held: Mapping[Kind, int], put_back: int = 0) -> str:
    """Return the sentence for the administrator about deletions that are held, counted by kind; "" when none is. `put_back`:
    users among them who had left already."""
    if not held:
        return ""
    return (
        f"source {source_id}: {reason}. Held are the deletions of {counted(held)}{_of_whom(put_back, 'are')}, everything else "
        f"goes on; `gateway status {source_id} --problems` lists them. {_cure(source_id)}"
    )


def counted(counts: Mapping[Kind, int]) -> str:
    """Return counts by kind in words."""
    return ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items() if count)


def _of_whom(put_back: int, are: str) -> str:
    return f" ({put_back} of whom had been disabled and {are} enabled again)" if put_back else ""


def _cure(source_id: str) -> str:
    return (
        f"If this is right, carry them out with `gateway sync {source_id} --allow-deletions`; if not, mend the source's "
        "content, filters or rights: what is reported again is held no longer"
    )


def _of_kind(guard: Guard, kind: PendingDeletions) -> str:
    if not kind.deleting:
        return ""
    if kind.answered_nothing:
        return f"it answered without a single {kind.kind} and had {kind.deleting}"
    limit = _limit_of(guard, kind)
    if kind.total <= limit:
        return ""
    there = kind.present + kind.left
    return (
        f"it would delete {kind.deleting + kind.left} of {there} {kind.kind}s{_before(guard, [kind])}, and the limit is {limit}"
    )


def _before(guard: Guard, deletions: Iterable[PendingDeletions]) -> str:
    recent = sum(kind.recent for kind in deletions)
    return f" after {recent} in the last {guard.window_seconds / 60:g} minutes" if recent else ""


def _limit_of(guard: Guard, kind: PendingDeletions) -> int:
    return guard.limit(kind.kind, kind.present + kind.left + kind.recent)


def _limit(guard: Guard, deletions: Iterable[PendingDeletions]) -> int:
    return max(guard.users, guard.organizations, guard.groups, *(_limit_of(guard, kind) for kind in deletions))
