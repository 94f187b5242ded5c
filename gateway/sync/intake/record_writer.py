"""The stage of the door that writes the records under work, after all decisions about them."""

from gateway.store.records import record_rows
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import RenamedRecords


def write(transaction: SourceTransaction, renamed: RenamedRecords) -> None:
    """Insert the new records, and replace the stored ones that differ."""
    records = renamed.records.values()
    record_rows.insert(transaction.connection, [one.row for one in records if one.stored is None])
    changed = [one.row for one in records if one.stored is not None and one.row != one.stored]
    record_rows.replace(transaction.connection, changed)
