"""Records that are taken from their objects because a person decided so. Neither the object that they leave nor the one that
they come to is made anew; correlation finds it."""

from collections.abc import Collection

from gateway.model.objects import Kind
from gateway.store.objects import passwords
from gateway.store.records.record_rows import RecordRow
from gateway.sync.intake.record_changes import reconsidered
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import Intake, Removal


def take(
    transaction: SourceTransaction, rows: Collection[RecordRow], *, former_goes: bool, leaving: Collection[str]
) -> tuple[Intake, Removal]:
    """Return these records, all of the transaction's source, without the objects that they have, and the effect on those. With
    `former_goes` those objects are about to be deleted. `leaving`: users that have no other record."""
    unlinked = {row.id: row._replace(object_id=None, decided_by=None, decided_at=None) for row in rows}
    records = {row.id: reconsidered(unlinked[row.id], row) for row in rows}
    former = {row.object_id: Kind(row.kind) for row in rows if row.object_id is not None}
    # What the source accepted as the password of one is none of the other.
    passwords.forget_verifiers(transaction.connection, list(former))
    reopened = {} if former_goes else former
    return Intake(records), Removal(reopened=reopened, displaced=reopened, leaving=frozenset(leaving))
