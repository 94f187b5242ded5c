"""Change: one committed fact of the gateway's log. Numbers are gapless and in commit order (law 3)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.model.objects import DirectoryObject, Kind, Member


class ChangeType(StrEnum):
    """The type of a change."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One object changed in one transaction. Folding all changes from 1 on gives the present directory.

    `object` is the whole state after the change (None on delete); a group's members are not in it but in `added_members`
    and `removed_members`. `organizations_before`: for a user the organizations it was in before, for an organization its
    ancestors before (nearest first), when the change altered them or deleted the object; else empty. `source_id`: the source
    that caused it.
    """

    number: int
    time: datetime
    kind: Kind
    object_id: str
    type: ChangeType
    source_id: str
    object: DirectoryObject | None
    organizations_before: tuple[str, ...] = ()
    added_members: tuple[Member, ...] = ()
    removed_members: tuple[Member, ...] = ()
