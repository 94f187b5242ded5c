"""The stage of the door that creates and updates groups, and the difference of their members. Only what differs is read and
written: a group of 100,000 that gains one costs one row."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from gateway.model.changes import Change, ChangeType
from gateway.model.objects import Attributes, Group, Kind, Member
from gateway.store.engine.database import Connection
from gateway.store.log import changes
from gateway.store.objects import groups, memberships, users
from gateway.store.records import membership_claims, record_rows
from gateway.sync.objects import object_changes
from gateway.sync.references import reference_attributes
from gateway.sync.rules import authority
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import (
    Displacement,
    GroupChanges,
    NumberedAttributes,
    ReferenceChanges,
    Removal,
    RenamedRecords,
    Resolution,
    UserChanges,
)


def refresh(
    transaction: SourceTransaction,
    removal: Removal,
    resolution: Resolution,
    numbered: NumberedAttributes,
    renamed: RenamedRecords,
    references: ReferenceChanges,
    displacement: Displacement,
    user_changes: UserChanges,
) -> GroupChanges:
    """Create and update groups, with their members."""
    difference = _MemberDifference(transaction, removal, resolution, references)
    difference.compute(user_changes)
    connection, resolved = transaction.connection, numbered.attributes
    created_rows = renamed.created_rows(Kind.GROUP)
    referenced = reference_attributes.find(transaction, Kind.GROUP, _displaced(displacement, resolution), created_rows)
    created = [
        Group(
            object_id,
            authority.name_of(Kind.GROUP, resolved[object_id]),
            transaction.origin(row),
            transaction.now,
            transaction.now,
            {**authority.described(Kind.GROUP, resolved[object_id]), **referenced[object_id]},
        )
        for object_id, row in created_rows.items()
    ]
    ids = dict.fromkeys((*object_changes.stored_ids(resolution, displacement, Kind.GROUP), *difference.group_ids))
    current = groups.get_many(connection, [group_id for group_id in ids if group_id not in resolution.created])
    pairs = [(group, _changed(group, resolved.get(group.id), referenced.get(group.id))) for group in current.values()]
    changed = [replace(new, updated_at=transaction.now) for old, new in pairs if new != old or difference.concerns(new.id)]
    log = [difference.change(ChangeType.CREATE, group) for group in created]
    log += [difference.change(ChangeType.UPDATE, group) for group in changed]
    groups.insert(connection, created)
    groups.update(connection, changed)
    if log:
        changes.append(connection, log)
    return GroupChanges({change.object_id for change in log})


def _displaced(displacement: Displacement, resolution: Resolution) -> list[str]:
    displaced = (object_id for object_id, kind in displacement.objects.items() if kind is Kind.GROUP)
    return [object_id for object_id in displaced if object_id not in resolution.created]


def _changed(group: Group, attributes: Attributes | None, referenced: Attributes | None) -> Group:
    if attributes is not None:
        described = {**authority.described(Kind.GROUP, attributes), **reference_attributes.kept(group.attributes)}
        group = replace(group, name=authority.name_of(Kind.GROUP, attributes) or group.name, attributes=described)
    return (
        group if referenced is None else replace(group, attributes=reference_attributes.replaced(group.attributes, referenced))
    )


class _MemberDifference:
    """The members that groups gain and lose. `removed_members`: those that left a group because they are deleted or have become
    leavers, whichever source says that they are members."""

    def __init__(
        self, transaction: SourceTransaction, removal: Removal, resolution: Resolution, references: ReferenceChanges
    ) -> None:
        self._transaction = transaction
        self._connection: Connection = transaction.connection
        self._created = resolution.created
        self._deleted = removal.deleted
        self._relinked = references.relinked
        self._wanted = dict(references.gained_members)
        self._doubtful = set(references.lost_members)
        self._removed_members = {group_id: set(members) for group_id, members in removal.removed_members.items()}
        self._gained: defaultdict[str, set[Member]] = defaultdict(set)
        self._lost: Mapping[str, set[Member]] = {}

    @property
    def group_ids(self) -> Iterable[str]:
        """The groups that gain or lose members."""
        return (*self._gained, *self._lost)

    def concerns(self, group_id: str) -> bool:
        """Return whether the group gains or loses any member."""
        return bool(self._gained.get(group_id) or self._lost.get(group_id))

    def change(self, change_type: ChangeType, group: Group) -> Change:
        """Return the change of a group, with the members that it gains and loses."""
        gained, lost = _sorted(self._gained.get(group.id, ())), _sorted(self._lost.get(group.id, ()))
        transaction = self._transaction
        return Change(0, transaction.now, Kind.GROUP, group.id, change_type, transaction.source_id, group, (), gained, lost)

    def compute(self, user_changes: UserChanges) -> None:
        """Store the memberships as they are now."""
        self._add_gained()
        self._add_returned(user_changes.returned)
        self._take_out_leavers(user_changes.left)
        self._lost = self._remove_lost()

    def _add_gained(self) -> None:
        """Store the new memberships, and note the members that a group did not have before."""
        wanted, created = self._wanted, self._created
        if self._transaction.is_local:  # no source can refer to a leaver; what is written here can
            away = users.leavers_among(self._connection, {member_id for _, member_id in wanted})
            wanted = {pair: member for pair, member in wanted.items() if pair[1] not in away}
        if not wanted:
            return
        self._doubtful -= {(group_id, member) for (group_id, _), member in wanted.items()}
        old_groups = {group_id for group_id, _ in wanted if group_id not in created}
        old_members = {member_id for group_id, member_id in wanted if group_id in old_groups and member_id not in created}
        had = memberships.existing(self._connection, old_groups, old_members) if old_groups and old_members else set()
        pairs = [(group_id, member) for (group_id, _), member in wanted.items()]
        memberships.add(self._connection, self._transaction.source_id, pairs)
        for pair, member in wanted.items():
            if pair not in had:
                self._gained[pair[0]].add(member)

    def _add_returned(self, returned: Collection[str]) -> None:
        """Put users who were leavers into the groups again that any source says, be it this one or another."""
        claims = membership_claims.of_members(self._connection, returned) if returned else []
        if not claims:
            return
        had = memberships.existing(self._connection, {one.group_id for one in claims}, {one.member_id for one in claims})
        for source_id in {one.source_id for one in claims}:
            pairs = [(one.group_id, Member(Kind.USER, one.member_id)) for one in claims if one.source_id == source_id]
            memberships.add(self._connection, source_id, pairs)
            if source_id == self._transaction.source_id:
                self._doubtful -= set(pairs)
        for one in claims:
            if (one.group_id, one.member_id) not in had:
                self._gained[one.group_id].add(Member(Kind.USER, one.member_id))

    def _take_out_leavers(self, left: Collection[str]) -> None:
        """Take leavers out of all groups, whichever source says them; a user who joins and leaves in one batch was never in
        it."""
        if not left:
            return
        for user_id, group_ids in memberships.group_ids_of(self._connection, left).items():
            member = Member(Kind.USER, user_id)
            for group_id in group_ids:
                if member in self._gained.get(group_id, ()):
                    self._gained[group_id].remove(member)
                else:
                    self._removed_members.setdefault(group_id, set()).add(member)
        memberships.remove_members(self._connection, left)

    def _remove_lost(self) -> Mapping[str, set[Member]]:
        """Remove the memberships that this source no longer says; return the members that no source says any more."""
        deleted = self._deleted
        lost: defaultdict[str, set[Member]] = defaultdict(set, {one: set(gone) for one, gone in self._removed_members.items()})
        doubtful = {(group_id, member) for group_id, member in self._doubtful if not deleted & {group_id, member.id}}
        if not doubtful:
            return lost
        doubtful = self._no_longer_said(doubtful)
        group_ids, member_ids = {group_id for group_id, _ in doubtful}, {member.id for _, member in doubtful}
        had = memberships.existing(self._connection, group_ids, member_ids)
        memberships.remove(self._connection, self._transaction.source_id, doubtful)
        gone = had - memberships.existing(self._connection, group_ids, member_ids)
        for group_id, member in doubtful:
            if (group_id, member.id) in gone:
                lost[group_id].add(member)
        return lost

    def _no_longer_said(self, doubtful: set[tuple[str, Member]]) -> set[tuple[str, Member]]:
        """Return the pairs that no other record of the same source, linked to the same object, says."""
        source_id = self._transaction.source_id
        ids = {identifier for group_id, member in doubtful for identifier in (group_id, member.id)}
        several = record_rows.objects_with_several(self._connection, source_id, ids)
        if not several and not self._relinked:
            return doubtful
        said = membership_claims.of_source(self._connection, source_id, {group_id for group_id, _ in doubtful})
        return {(group_id, member) for group_id, member in doubtful if (group_id, member.id) not in said}


def _sorted(members: Collection[Member]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=lambda member: member.id))
