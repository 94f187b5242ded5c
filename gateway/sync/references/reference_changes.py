"""The stage of the door that stores references and finds out the difference that they make to objects."""

from gateway.store.records.record_lookup import Target
from gateway.sync.references import dangling_references, membership_deltas, references, relinked_references
from gateway.sync.references.reference_effects import ReferenceEffects
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import ReferenceChanges, Removal, RenamedRecords


def store(transaction: SourceTransaction, removal: Removal, renamed: RenamedRecords) -> ReferenceChanges:
    """Store the references that the reports say, follow those that waited, and return the difference. The records must be
    stored already."""
    connection, records = transaction.connection, renamed.records
    targets = {record_id: Target(record_id, one.row.kind, one.row.object_id) for record_id, one in records.items()}
    effects = ReferenceEffects(connection, targets)
    effects.lost_members.update(removal.lost_members)
    dangling = references.store_reported(transaction, renamed, effects)
    dangling += membership_deltas.store_added_and_removed(transaction, records, effects)
    relinked = relinked_references.follow(connection, records, effects)
    dangling_references.settle(transaction, renamed, effects)
    dangling_references.count_newly_linked(connection, records, effects)
    return ReferenceChanges(effects.gained_members(), effects.lost_members, effects.displaced, dangling, relinked)
