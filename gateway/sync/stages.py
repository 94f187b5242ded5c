"""The stages of the door: the line from reports to the change log. Each is a function that is given the transaction and results
of earlier stages, and returns one frozen result of its own (stage_results.py) or writes only. The only value in a result
that changes later is `PendingRecord.row`, which resolution decides.

`STAGES` is the line as a table, in the order in which the stages run. `run` calls all but intake and removal; inbound.py calls
these, because the deletion guard stands between them. A dry run calls intake and correlation, and asks the guard and
`replaced_records` what they would do (runner/dry_run.py).
"""

from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from gateway.model.objects import Kind
from gateway.sync.correlation import key_index, resolution
from gateway.sync.intake import record_changes, record_writer
from gateway.sync.intake.folded_deltas import Reports
from gateway.sync.objects import (
    deletions,
    group_changes,
    leavers,
    organization_changes,
    placement,
    posix_allocation,
    record_outcomes,
    user_changes,
)
from gateway.sync.objects.posix_allocation import PosixNumbers
from gateway.sync.references import reference_changes, subtree_renames
from gateway.sync.references.organization_places import OrganizationPlaces
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import (
    Displacement,
    GroupChanges,
    Intake,
    NumberedAttributes,
    OrganizationChanges,
    RecordOutcomes,
    ReferenceChanges,
    Removal,
    RenamedRecords,
    Resolution,
    UserChanges,
)


class Stage(NamedTuple):
    """`reads`: the results of earlier stages that `function` is given beside the transaction. `returns`: its own result; None:
    it only writes to the store."""

    name: str
    function: Callable[..., object]
    reads: tuple[type, ...]
    returns: type | None


STAGES: Final = (
    Stage("intake", record_changes.receive, (), Intake),
    Stage("removal", deletions.remove, (), Removal),
    Stage("correlation and resolution", resolution.resolve, (Intake, Removal), Resolution),
    Stage("POSIX numbers", posix_allocation.number, (Resolution,), NumberedAttributes),
    Stage("renames below", subtree_renames.rename, (Resolution,), RenamedRecords),
    Stage("records", record_writer.write, (RenamedRecords,), None),
    Stage("record keys", key_index.keep_record_keys, (Resolution, RenamedRecords), None),
    Stage("references", reference_changes.store, (Removal, RenamedRecords), ReferenceChanges),
    Stage("placement", placement.displace, (Removal, Resolution, RenamedRecords, ReferenceChanges), Displacement),
    Stage("log: deleted users and groups", deletions.log, (Removal,), None),
    Stage(
        "organizations",
        organization_changes.refresh,
        (Resolution, NumberedAttributes, RenamedRecords, Displacement),
        OrganizationChanges,
    ),
    Stage("users", user_changes.refresh, (Removal, Resolution, NumberedAttributes, RenamedRecords, Displacement), UserChanges),
    Stage(
        "groups",
        group_changes.refresh,
        (Removal, Resolution, NumberedAttributes, RenamedRecords, ReferenceChanges, Displacement, UserChanges),
        GroupChanges,
    ),
    Stage("superseded leavers", leavers.supersede, (Resolution, RenamedRecords), None),
    Stage(
        "object keys", key_index.keep_object_keys, (Removal, Resolution, NumberedAttributes, RenamedRecords, Displacement), None
    ),
    Stage("log: deleted organizations", deletions.log, (Removal,), None),
    Stage(
        "outcomes",
        record_outcomes.count,
        (
            Intake,
            Removal,
            Resolution,
            NumberedAttributes,
            RenamedRecords,
            ReferenceChanges,
            OrganizationChanges,
            UserChanges,
            GroupChanges,
        ),
        RecordOutcomes,
    ),
)
"""Deletions that free names come first in the log, and those of organizations last, after everything in them has moved out. The
stages of organizations, users and groups append their own changes, so that a rename above 100,000 objects is never in memory as
a whole."""

INPUTS: Final = (Reports, Collection[int], PosixNumbers | None, OrganizationPlaces, bool, Kind)
"""The types of parameters that are no stage's result: what `Inbound` hands in, a lookup, and fixed choices."""


def run(
    transaction: SourceTransaction, posix: PosixNumbers | None, intake: Intake, removal: Removal, *, recheck: bool
) -> RecordOutcomes:
    """Run all stages behind the removal: from records under work and removed ones to objects and the change log. `recheck`:
    records without an object are looked at once more, because the source has reported all that it has."""
    resolved = resolution.resolve(transaction, intake, removal, recheck=recheck)
    numbered = posix_allocation.number(transaction, posix, resolved)
    renamed = subtree_renames.rename(transaction, resolved)
    record_writer.write(transaction, renamed)
    key_index.keep_record_keys(transaction, resolved, renamed)
    referenced = reference_changes.store(transaction, removal, renamed)
    places = OrganizationPlaces(transaction.connection)
    displaced = placement.displace(transaction, places, removal, resolved, renamed, referenced)
    deletions.log(transaction, removal, Kind.GROUP, Kind.USER)
    organizations = organization_changes.refresh(transaction, places, resolved, numbered, renamed, displaced)
    users = user_changes.refresh(transaction, places, removal, resolved, numbered, renamed, displaced)
    groups = group_changes.refresh(transaction, removal, resolved, numbered, renamed, referenced, displaced, users)
    leavers.supersede(transaction, resolved, renamed)
    key_index.keep_object_keys(transaction, removal, resolved, numbered, renamed, displaced)
    deletions.log(transaction, removal, Kind.ORGANIZATION)
    return record_outcomes.count(intake, removal, resolved, numbered, renamed, referenced, organizations, users, groups)
