"""The last stage of the door: the outcome of each record, counted, and the sentences for the administrator."""

from collections import Counter
from collections.abc import Collection

from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.model.runs import Outcome, Result, RunStatistics
from gateway.sync.stage_results import (
    GroupChanges,
    Intake,
    NumberedAttributes,
    OrganizationChanges,
    PendingRecord,
    RecordOutcomes,
    ReferenceChanges,
    Removal,
    RenamedRecords,
    Resolution,
    UserChanges,
)


def count(
    intake: Intake,
    removal: Removal,
    resolution: Resolution,
    numbered: NumberedAttributes,
    renamed: RenamedRecords,
    references: ReferenceChanges,
    organization_changes: OrganizationChanges,
    user_changes: UserChanges,
    group_changes: GroupChanges,
) -> RecordOutcomes:
    """Return what became of all records, those included that the intake and the removal have counted."""
    updated = {*organization_changes.updated, *user_changes.updated, *group_changes.updated}
    problems = [*intake.problems, *numbered.problems, *organization_changes.problems]
    counts: Counter[tuple[Kind, Outcome, Result]] = Counter()
    for record in renamed.records.values():
        outcome = _outcome(record, resolution, updated)
        if record.delta is None and outcome is not Outcome.CREATED:
            continue  # rechecked, and nothing came of it
        row, stored = record.row, record.stored
        well = row.situation == Situation.LINKED.value
        counts[record.kind, outcome, Result.SUCCEEDED if well else Result.SKIPPED] += 1
        if not well and row.reason and (stored is None or stored.reason != row.reason):
            problems.append(row.reason)
        if record.delta is not None:
            problems += record.delta.warnings
    statistics = intake.statistics + removal.statistics + RunStatistics(dict(counts))
    return RecordOutcomes(statistics, tuple(problems), updated, references.dangling)


def _outcome(record: PendingRecord, resolution: Resolution, updated: Collection[str]) -> Outcome:
    object_id = record.row.object_id
    if object_id in resolution.created or (record.stored is None and object_id is None):
        return Outcome.CREATED
    return Outcome.UPDATED if object_id in updated else Outcome.UNCHANGED
