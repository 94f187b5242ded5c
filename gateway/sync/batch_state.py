"""What one transaction of the door knows and has still to do. The steps of `inbound.py` hand it on; no other state exists."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from gateway.model.changes import Change
from gateway.model.connector import LOCAL, LOCAL_TYPE
from gateway.model.deltas import Delta
from gateway.model.objects import Kind, Member, Origin, User, Value
from gateway.model.records import Situation
from gateway.model.runs import Outcome, Result, Statistics
from gateway.store.correlation.object_keys import Names
from gateway.store.engine.column_codecs import milliseconds
from gateway.store.engine.database import Connection
from gateway.store.operations import instance
from gateway.store.records import record_rows
from gateway.store.records.record_rows import RecordRow, Target
from gateway.store.records.references import Dangling
from gateway.sync.rules.authority import NO_RULES, Authority
from gateway.sync.rules.correlation import Correlation


@dataclass(slots=True)
class Touched:
    """A record under work: `row` as it is going to be, `old` as it is stored (None: new), `delta` what was said of it (None:
    looked at again without a report), `attributes` after the report."""

    kind: Kind
    row: RecordRow
    old: RecordRow | None
    delta: Delta | None
    attributes: dict[str, tuple[Value, ...]]
    place: int = 0
    names: tuple[tuple[int, str], ...] = ()
    """As in the report: where in the batch it was said, and earlier DNs with their places."""
    is_flawed: bool = False
    """Whether its source says it in a way from which nothing can be made."""

    @property
    def is_frozen(self) -> bool:
        """Whether its object must stay as it is: the record is linked, but what it says now cannot be an object."""
        return self.row.object_id is not None and self.row.situation == Situation.UNMATCHED.value


@dataclass(slots=True)
class Work:
    """One batch of one source in one transaction; `now` is the transaction's only time."""

    connection: Connection
    source_id: str
    source_type: str
    now: datetime
    authority: Authority = NO_RULES
    rules: Correlation = field(default_factory=dict)
    """How records find their objects, by kind; the defaults for kinds that are not in it."""

    touched: dict[int, Touched] = field(default_factory=dict)
    """By record id, in the order of the batch."""

    met: dict[Kind, list[int]] = field(default_factory=lambda: {kind: [] for kind in Kind})
    """The records that the batch says exist."""

    targets: dict[int, Target] = field(default_factory=dict)
    """Records whose kind and object are known, as they will be."""

    current_users: dict[str, User] = field(default_factory=dict)
    """Users that were read already, as they are stored."""

    created: dict[str, Touched] = field(default_factory=dict)
    """New objects by id, each with the record it is made for."""

    resolved: dict[str, dict[str, tuple[Value, ...]]] = field(default_factory=dict)
    """The attributes that objects, new and old, are going to have, name included."""

    to_place: dict[str, Kind] = field(default_factory=dict)
    """Objects whose place in the tree must be found anew."""

    key_names: Names = field(default_factory=dict)
    """For which attributes keys are kept."""

    also_said: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    """The keys that the records of each resolved object say, by name."""

    own_objects: dict[str, str] = field(default_factory=dict)
    """New objects of records that are to have one of their own, by the id of the one that they had."""

    looked_at: list[int] = field(default_factory=list)
    """Records that waited for a second look, and had it."""

    to_resolve: set[str] = field(default_factory=set)
    """Objects that lost a record and go on with the others."""

    left: set[str] = field(default_factory=set)
    """Objects that lost a record: others of its source may have them now."""

    moved_to_others: set[int] = field(default_factory=set)
    """Records that a person has moved from one object to another, or to none."""

    leaving: set[str] = field(default_factory=set)
    """Users whose last record is gone, so that they are disabled; unless they are back with another in the same batch."""

    recordless: set[str] = field(default_factory=set)
    """Resolved objects that have no record but of leavers, and additions."""

    new_leavers: set[str] = field(default_factory=set)
    returned: set[str] = field(default_factory=set)
    """Users who have become leavers, and who were and are none any more."""

    moved_records: set[int] = field(default_factory=set)
    """Records that went along when something above them was renamed."""

    renames: list[tuple[int, str, str]] = field(default_factory=list)
    """(place in the batch, old DN key, new DN key): what was said before the place used the old name, below it too."""

    shaken_keys: set[str] = field(default_factory=set)
    """DN keys below which an organization record appeared, so that others may belong to it now."""

    freed_names: set[str] = field(default_factory=set)
    """Keys of login names that nobody has any more."""

    unmet: list[Dangling] = field(default_factory=list)
    """References of this batch that led nowhere when they were stored."""

    new_members: set[tuple[int, int]] = field(default_factory=set)
    """(group record, member record): this source says so now."""

    lost_members: set[tuple[str, Member]] = field(default_factory=set)
    """(group id, member): this source has stopped saying so at one place at least."""

    departed: defaultdict[str, set[Member]] = field(default_factory=lambda: defaultdict(set))
    """Members that left a group because they exist no more, by group id."""

    deletions: dict[Kind, list[Change]] = field(default_factory=lambda: {kind: [] for kind in Kind})
    """The changes for objects that are gone."""

    updated: set[str] = field(default_factory=set)
    """Objects that changed."""

    tally: Counter[tuple[Kind, Outcome, Result]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def back(self) -> set[str]:
        """Users who are there again, be it that they had left in this very batch."""
        return self.returned | (self.leaving - self.new_leavers)

    @property
    def stamp(self) -> int:
        """`now` as it lies in the tables."""
        return milliseconds(self.now)

    @property
    def deleted(self) -> set[str]:
        """The ids of the objects that are gone."""
        return {change.object_id for changes in self.deletions.values() for change in changes}

    def origin(self, row: RecordRow) -> Origin:
        """Where a new object comes from. One that is made here comes from this gateway, and has no other name."""
        if self.source_id == LOCAL:
            return Origin(LOCAL_TYPE, instance.instance_id(self.connection), "")
        return Origin(self.source_type, self.source_id, row.external_id)

    def count(self, kind: Kind, outcome: Outcome, result: Result = Result.SUCCEEDED, number: int = 1) -> None:
        """Add to the statistics."""
        self.tally[kind, outcome, result] += number

    def statistics(self) -> Statistics:
        """What was counted."""
        return Statistics({key: count for key, count in self.tally.items() if count})

    def know(self, record_ids: Iterable[int]) -> None:
        """See to it that `targets` has these records."""
        unknown = {record_id for record_id in record_ids if record_id not in self.targets}
        self.targets.update(record_rows.targets(self.connection, unknown))
