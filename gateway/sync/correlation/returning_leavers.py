"""Leavers who come back under another external id of the same source. A login name is given to one person after another: only
where the source says so, a record with the login name of a leaver takes the place of the leaver's record."""

from collections.abc import Collection

from gateway.model.objects import Kind
from gateway.model.records import DECIDED_BY_RETURN, Situation
from gateway.store.correlation import link_decisions
from gateway.store.records import leavers
from gateway.sync.rules.correlation import NO_RULES
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import PendingRecord, PendingRecords


def recognize(transaction: SourceTransaction, records: PendingRecords, batch: Collection[PendingRecord]) -> None:
    """Link those records of the batch to a leaver that have its login name. `records`: all that are under work."""
    connection, source_id = transaction.connection, transaction.source_id
    if not transaction.rules.get(Kind.USER, NO_RULES).rejoins_by_username or not leavers.any_gone(connection, source_id):
        return
    fresh = {record.row.login_key or "": record for record in reversed(list(batch)) if _may_return(record)}
    fresh.pop("", None)
    left = leavers.by_login(connection, source_id, fresh)
    external_ids = [fresh[key].row.external_id for key in left]
    decided = link_decisions.of_records(connection, source_id, Kind.USER, external_ids) if left else {}
    for key, row in left.items():
        record = fresh[key]
        is_back_itself = row.id in records
        if record.row.external_id not in decided and not is_back_itself:  # an administrator's decision counts before any rule
            record.row = record.row._replace(
                object_id=row.object_id, decided_by=DECIDED_BY_RETURN, decided_at=transaction.stamp
            )


def _may_return(record: PendingRecord) -> bool:
    row = record.row
    return record.kind is Kind.USER and row.object_id is None and row.situation == Situation.LINKED.value
