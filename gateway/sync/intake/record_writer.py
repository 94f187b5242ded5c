"""The stage of the door that writes the records under work, after all decisions about them."""

from gateway.store.records import left_out_values, record_rows
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import RenamedRecords


def write(transaction: SourceTransaction, renamed: RenamedRecords) -> None:
    """Insert the new records, replace the stored ones that differ, and list the values that could not be kept."""
    records = renamed.records.values()
    record_rows.insert(transaction.connection, [one.row for one in records if one.stored is None])
    stored = {one.row.id: one.stored for one in records if one.stored is not None and one.row != one.stored}
    record_rows.replace(transaction.connection, [one.row for one in records if one.row.id in stored], stored)
    reported = {one.row.id: one.delta.warnings for one in records if one.delta is not None}
    left_out = {record_id: sentences for record_id, sentences in reported.items() if sentences}
    left_out_values.replace(transaction.connection, transaction.source_id, reported.keys(), left_out)
