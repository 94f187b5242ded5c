"""Leavers: the last record of a user is gone from its source, and is marked so here while the user stays for a grace period;
user_changes.py disables the user.

A record that comes back under its external id is the same record, and its user is the same again; one under another id is
another user, unless a rule finds it or the source recognizes login names (correlation/returning_leavers.py).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gateway.model.objects import Kind
from gateway.store.records import leavers, record_rows
from gateway.store.records.record_rows import RecordRow
from gateway.sync.rules.correlation import NO_RULES, Reaction
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import RenamedRecords, Resolution

DELETED_REACTIONS: Final = MappingProxyType(
    {Kind.USER: Reaction.DISABLE, Kind.ORGANIZATION: Reaction.DELETE, Kind.GROUP: Reaction.DELETE}
)
"""The reaction to the end of an object's last record, when its source says nothing else. Local objects are deleted."""

_REASONS: Final = {
    Reaction.DISABLE: "is gone from its source; the user is disabled, and deleted when the grace period is over",
    Reaction.KEEP: "is gone from its source; what was made of it is kept",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """Records that are gone while their objects stay, by id: those of users who are disabled, and those whose objects stay
    unchanged."""

    disabled: Mapping[int, RecordRow]
    unchanged: Mapping[int, RecordRow]


def keep(transaction: SourceTransaction, last: Collection[RecordRow]) -> Kept:
    """Mark those of the records, which are gone and were the last of their objects, whose objects stay."""
    disabled = _mark(transaction, last, Reaction.DISABLE, transaction.stamp)
    return Kept(disabled, _mark(transaction, last, Reaction.KEEP, None))


def _mark(
    transaction: SourceTransaction, last: Collection[RecordRow], reaction: Reaction, stamp: int | None
) -> dict[int, RecordRow]:
    rows = {row.id: row for row in last if _reaction(transaction, Kind(row.kind)) is reaction}
    reasons = {row.id: f"{row.dn or row.external_id} {_REASONS[reaction]}" for row in rows.values()}
    leavers.mark_gone(transaction.connection, reasons, stamp)
    return rows


def _reaction(transaction: SourceTransaction, kind: Kind) -> Reaction:
    if transaction.is_local:
        return Reaction.DELETE
    return transaction.rules.get(kind, NO_RULES).deleted or DELETED_REACTIONS[kind]


def supersede(transaction: SourceTransaction, resolution: Resolution, renamed: RenamedRecords) -> None:
    """Remove the records that are gone of objects which another record of the same source has now: that one counts."""
    newly = {
        record.row.object_id
        for record in renamed.records.values()
        if record.stored is None or record.stored.object_id != record.row.object_id or record.stored.gone_at is not None
    }
    newly -= {None, *resolution.created}
    if newly and leavers.any_gone(transaction.connection, transaction.source_id):
        superseded = leavers.gone_of(transaction.connection, transaction.source_id, newly)
        record_rows.remove(transaction.connection, superseded)
