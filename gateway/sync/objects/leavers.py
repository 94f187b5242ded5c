"""Leavers: the last record of a user is gone from its source, and the user stays, disabled, for a time of grace. And who comes
back within it: the same user again.

A record that comes back under its external id is the same record. One under another id that has the login name of a leaver of
the same source takes the leaver's place, unless the source has rules that say who is who.
"""

from collections.abc import Collection
from types import MappingProxyType
from typing import Final

from gateway.model.connector import LOCAL
from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.store.correlation import link_decisions
from gateway.store.records import leavers, record_rows
from gateway.store.records.record_rows import RecordRow
from gateway.sync.batch_state import Touched, Work
from gateway.sync.references import reference_release
from gateway.sync.rules.correlation import NO_RULES, Reaction

DECIDED_BY_RETURN: Final = "rule:return"
"""`Link.decided_by` of a record that has taken the place of a leaver's."""

GRACE_DAYS: Final = 30.0

DEPARTURES: Final = MappingProxyType(
    {Kind.USER: Reaction.DISABLE, Kind.ORGANIZATION: Reaction.DELETE, Kind.GROUP: Reaction.DELETE}
)
"""What becomes of an object whose last record is gone, when its source says nothing else. What is written here is deleted."""

_REASONS: Final = {
    Reaction.DISABLE: "is gone from its source; the user is disabled, and deleted when the time of grace is over",
    Reaction.KEEP: "is gone from its source; what was made of it is kept",
}


def stay(work: Work, last: Collection[RecordRow]) -> dict[int, RecordRow]:
    """Of records that are gone and were the last of their objects, those whose objects stay; what follows for them is done."""
    staying: dict[int, RecordRow] = {}
    for departure, reason in _REASONS.items():
        rows = {row.id: row for row in last if _departure(work, Kind(row.kind)) is departure}
        stamp = work.stamp if departure is Reaction.DISABLE else None
        reasons = {row.id: f"{row.dn or row.external_id} {reason}" for row in rows.values()}
        leavers.leave(work.connection, reasons, stamp)
        if departure is Reaction.DISABLE:
            reference_release.release_from_others(work, rows)
            work.leaving |= {row.object_id for row in rows.values() if row.object_id is not None}
            # A record of the same source that waits for the name may be the same person.
            work.freed_names |= {row.login_key for row in rows.values() if row.login_key is not None}
        staying |= rows
    return staying


def _departure(work: Work, kind: Kind) -> Reaction:
    if work.source_id == LOCAL:
        return Reaction.DELETE
    return work.rules.get(kind, NO_RULES).deleted or DEPARTURES[kind]


def recognize(work: Work, batch: Collection[Touched]) -> None:
    """Give those of the records that are somebody who had left the user whom the record is gone of."""
    if work.rules.get(Kind.USER, NO_RULES).rules or not leavers.any_gone(work.connection, work.source_id):
        return
    fresh = {touched.row.login_key or "": touched for touched in reversed(list(batch)) if _may_return(touched)}
    fresh.pop("", None)
    left = leavers.by_login(work.connection, work.source_id, fresh)
    external_ids = [fresh[key].row.external_id for key in left]
    decided = link_decisions.of_records(work.connection, work.source_id, Kind.USER, external_ids) if left else {}
    for key, row in left.items():
        touched = fresh[key]
        is_back_itself = row.id in work.touched
        if touched.row.external_id not in decided and not is_back_itself:  # a person's word counts before any rule
            touched.row = touched.row._replace(object_id=row.object_id, decided_by=DECIDED_BY_RETURN, decided_at=work.stamp)


def _may_return(touched: Touched) -> bool:
    row = touched.row
    return touched.kind is Kind.USER and row.object_id is None and row.situation == Situation.LINKED.value


def supersede(work: Work) -> None:
    """Remove the records that are gone of objects which another record of the same source has now: that one counts."""
    newly = {
        touched.row.object_id
        for touched in work.touched.values()
        if touched.old is None or touched.old.object_id != touched.row.object_id or touched.old.gone_at is not None
    }
    newly -= {None, *work.created}
    if newly and leavers.any_gone(work.connection, work.source_id):
        superseded = leavers.gone_of(work.connection, work.source_id, newly)
        record_rows.remove(work.connection, superseded)
