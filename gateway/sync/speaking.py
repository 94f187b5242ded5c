"""Which of its records speak for an object. Pure."""

from collections.abc import Sequence

from gateway.model.records import DECIDED_BY_ADDITION, Situation
from gateway.store.record_rows import RecordRow


def present(rows: Sequence[RecordRow]) -> list[RecordRow]:
    """The records of an object without those of leavers; all of them when it has no other but additions: then it stays as it
    was left (`is_left`)."""
    return list(rows) if is_left(rows) else [row for row in rows if row.gone_at is None]


def is_left(rows: Sequence[RecordRow]) -> bool:
    """Whether no source has the object any more."""
    return not any(row.gone_at is None and row.decided_by != DECIDED_BY_ADDITION for row in rows)


def speaking(rows: Sequence[RecordRow]) -> list[RecordRow]:
    """Those of the present records that can be heard: one that lost its name says nothing until it has one again."""
    return [row for row in present(rows) if row.situation != Situation.UNMATCHED.value]
