"""The results of the door's stages, in their order: each is frozen, is made by one stage, and is read by later ones alone
(stages.py has the table). Mappings and collections in them are not changed after the stage has returned them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.model.changes import Change
from gateway.model.deltas import Delta
from gateway.model.objects import Attributes, Kind, Member, User, Value
from gateway.model.records import Account, Situation
from gateway.model.runs import RunStatistics
from gateway.store.objects.disablements import Disablement
from gateway.store.records.record_rows import RecordRow
from gateway.store.records.references import DanglingReference


@dataclass(slots=True)
class PendingRecord:
    """A record under work: `row` as it is going to be, `stored` as it is in the store (None: new), `delta` what was reported of
    it (None: it is rechecked without a report), `attributes` after the report. `batch_index`: where in the batch it was
    reported last; `earlier_dns`: DNs that the batch gave it before, each with its index. `is_invalid`: its source reports it in
    a way from which nothing can be made.

    `row` changes in one stage alone, correlation and resolution, which decides about it in place; every later stage only reads.
    The stage of renames below, which comes after it, hands on new records in place of those that it renames."""

    kind: Kind
    row: RecordRow
    stored: RecordRow | None
    delta: Delta | None
    attributes: dict[str, tuple[Value, ...]]
    batch_index: int = 0
    earlier_dns: tuple[tuple[int, str], ...] = ()
    is_invalid: bool = False

    @property
    def freezes_object(self) -> bool:
        """True when its object must stay as it is: the record is linked, but what it says now cannot be an object."""
        return self.row.object_id is not None and self.row.situation == Situation.UNMATCHED.value


PendingRecords: TypeAlias = Mapping[int, PendingRecord]
"""By record id, in the order of the batch."""


@dataclass(frozen=True, slots=True)
class Intake:
    """The batch compared with the stored records. `present`: the records that it says exist; `gone`: those that it reports as
    gone. Unchanged records are counted and go no further."""

    records: PendingRecords = field(default_factory=dict)
    present: Mapping[Kind, Sequence[int]] = field(default_factory=dict)
    gone: Sequence[int] = ()
    statistics: RunStatistics = field(default_factory=RunStatistics)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Removal:
    """Records that were removed, and what follows for their objects. `deletions`: the changes for the objects that went with
    them, not logged yet. `reopened`: objects that lost a record and are resolved anew from the others. `displaced`: objects
    whose place in the tree must be found anew, the reopened among them. `lost_members`: (group id, member) that this source
    has stopped saying at one place at least. `removed_members`: members that left a group because they exist no more, by group
    id. `leaving`: users whose last record is gone and who become leavers, unless another record of the same batch takes them
    back. `lost_accounts`: users that other records keep here, each with the account that the source has no more. `freed_names`:
    keys of login names that may be free now."""

    deletions: Mapping[Kind, Sequence[Change]] = field(default_factory=dict)
    reopened: Mapping[str, Kind] = field(default_factory=dict)
    displaced: Mapping[str, Kind] = field(default_factory=dict)
    lost_members: Collection[tuple[str, Member]] = ()
    removed_members: Mapping[str, Collection[Member]] = field(default_factory=dict)
    leaving: Collection[str] = frozenset()
    lost_accounts: Mapping[str, Account] = field(default_factory=dict)
    freed_names: Collection[str] = frozenset()
    statistics: RunStatistics = field(default_factory=RunStatistics)

    @property
    def deleted(self) -> set[str]:
        """The ids of the objects that are deleted."""
        return {change.object_id for changes in self.deletions.values() for change in changes}


@dataclass(frozen=True, slots=True)
class Resolution:
    """The object of each record, and the attributes that the records of an object give it together.

    `records`: those of the intake and those that were rechecked. `created`: new objects, each with the record that it is
    made for. `attributes`: of every object that must be worked out, new or stored, its name included; `kinds`: of the same.
    `users`: the stored state of those of them that are users. `recordless`: those that have no record but of leavers, and
    additions. `reported_keys`: the correlation keys under which their records make them known, by name. `displaced`: stored
    objects that got a record. `own_objects`: new objects of records that a person gave one of their own, by the id that the
    decision named. `rechecks`: records that waited for a recheck, and had it. `given_up`: leavers whose login name another user
    gets, each with the name that it has from now on. `enabled_again`: disablements that are over."""

    records: PendingRecords
    created: Mapping[str, int]
    attributes: Mapping[str, Attributes]
    kinds: Mapping[str, Kind]
    users: Mapping[str, User]
    recordless: Collection[str]
    reported_keys: Mapping[str, Mapping[str, Collection[str]]]
    displaced: Mapping[str, Kind]
    own_objects: Mapping[str, str]
    rechecks: Sequence[int]
    given_up: Mapping[str, str]
    enabled_again: Collection[Disablement] = ()


@dataclass(frozen=True, slots=True)
class NumberedAttributes:
    """`attributes`: those of the resolution with the POSIX numbers that users and groups have or were given."""

    attributes: Mapping[str, Attributes]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RenamedRecords:
    """`records`: those of the resolution under the DNs that they have after everything above them was renamed; from here on
    they are as they are stored. `created` as in Resolution. `renames`: (batch index, old DN key, new DN key); a report before
    that index used the old name, below it too. `moved`: stored records that have another DN because something above them was
    renamed. `displaced`: objects below a name that went."""

    records: PendingRecords
    created: Mapping[str, int]
    renames: Sequence[tuple[int, str, str]] = ()
    moved: Collection[int] = frozenset()
    displaced: Mapping[str, Kind] = field(default_factory=dict)

    def created_rows(self, kind: Kind) -> dict[str, RecordRow]:
        """Return the new objects of a kind, each with the record that it is made for."""
        records = self.records
        return {one: records[record_id].row for one, record_id in self.created.items() if records[record_id].kind is kind}


@dataclass(frozen=True, slots=True)
class ReferenceChanges:
    """The difference that references make to objects. `gained_members`: (group id, member id) → member that this source says
    now; `lost_members` as in Removal, those included; `displaced`: objects whose organizations or parents are said otherwise.
    `dangling`: references of the batch that led nowhere when they were stored. `relinked`: whether records went from one object
    to another."""

    gained_members: Mapping[tuple[str, str], Member]
    lost_members: Collection[tuple[str, Member]]
    displaced: Mapping[str, Kind]
    dangling: Sequence[DanglingReference]
    relinked: bool


@dataclass(frozen=True, slots=True)
class Displacement:
    """`objects`: all objects whose place in the tree must be found anew, whichever stage found it out."""

    objects: Mapping[str, Kind]


@dataclass(frozen=True, slots=True)
class OrganizationChanges:
    """The organizations that were created or updated."""

    updated: Collection[str] = frozenset()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserChanges:
    """The users that were created or updated. `left`: those that have become leavers; `returned`: those that are present again,
    be it that they had left in this very batch."""

    updated: Collection[str] = frozenset()
    left: Collection[str] = frozenset()
    returned: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class GroupChanges:
    """The groups that were created or updated, members included."""

    updated: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RecordOutcomes:
    """The outcomes of all records, counted, and sentences about records that were left out. `updated`: the
    objects that were created or updated. `dangling` as in ReferenceChanges."""

    statistics: RunStatistics = field(default_factory=RunStatistics)
    problems: tuple[str, ...] = ()
    updated: Collection[str] = frozenset()
    dangling: Sequence[DanglingReference] = ()
