"""Groups and their members: the new state of each group that may have changed, and the difference of its members. Only what
differs is read and written: a group of 100,000 that gains one costs one row."""

from collections import defaultdict
from dataclasses import replace

from gateway.model.changes import Change, ChangeType
from gateway.model.connector import LOCAL
from gateway.model.objects import Group, Kind, Member
from gateway.store.log import changes
from gateway.store.objects import groups, memberships, users
from gateway.store.records import record_rows
from gateway.sync.batch_state import Work
from gateway.sync.rules import authority


def refresh_groups(work: Work) -> None:
    """Create and update groups, with their members."""
    gained = _members_gained(work)
    _members_returned(work, gained)
    _take_out_leavers(work, gained)
    lost = _members_lost(work)
    created = [_new_group(work, object_id) for object_id, touched in work.created.items() if touched.kind is Kind.GROUP]
    looked_at = [object_id for object_id in _resolved_groups(work) if object_id not in work.created]
    touched_ids = dict.fromkeys((*looked_at, *gained, *lost, *work.departed))
    current = groups.get_many(work.connection, [group_id for group_id in touched_ids if group_id not in work.created])
    log = [_change(work, group, ChangeType.CREATE, gained, lost) for group in created]
    for group in current.values():
        new = _changed_group(work, group)
        if new != group or gained.get(group.id) or lost.get(group.id):
            log.append(_change(work, replace(new, updated_at=work.now), ChangeType.UPDATE, gained, lost))
    groups.insert(work.connection, created)
    updated = [change.object for change in log if change.type is ChangeType.UPDATE and isinstance(change.object, Group)]
    groups.update(work.connection, updated)
    work.updated.update(change.object_id for change in log)
    if log:
        changes.append(work.connection, log)


def _members_gained(work: Work) -> defaultdict[str, set[Member]]:
    """Store the new memberships; the members that a group did not have before, by group id."""
    wanted: dict[tuple[str, str], Member] = {}
    work.know({record_id for pair in work.new_members for record_id in pair})
    for owner_id, target_id in work.new_members:
        owner, target = work.targets[owner_id], work.targets[target_id]
        if owner.object_id is not None and target.object_id is not None:
            wanted[owner.object_id, target.object_id] = Member(Kind(target.kind), target.object_id)
    if work.source_id == LOCAL:  # no source can point at a leaver; what is written here can
        away = users.gone_among(work.connection, {member_id for _, member_id in wanted})
        wanted = {pair: member for pair, member in wanted.items() if pair[1] not in away}
    gained: defaultdict[str, set[Member]] = defaultdict(set)
    if not wanted:
        return gained
    work.lost_members -= {(group_id, member) for (group_id, _), member in wanted.items()}
    old_groups = {group_id for group_id, _ in wanted if group_id not in work.created}
    old_members = {member_id for group_id, member_id in wanted if group_id in old_groups and member_id not in work.created}
    had = memberships.existing(work.connection, old_groups, old_members) if old_groups and old_members else set()
    memberships.add(work.connection, work.source_id, [(group_id, member) for (group_id, _), member in wanted.items()])
    for pair, member in wanted.items():
        if pair not in had:
            gained[pair[0]].add(member)
    return gained


def _members_returned(work: Work, gained: defaultdict[str, set[Member]]) -> None:
    """Who was a leaver is in the groups again that any source says, be it this one or another."""
    claims = record_rows.memberships_said(work.connection, work.back) if work.back else []
    if not claims:
        return
    had = memberships.existing(work.connection, {one.group_id for one in claims}, {one.member_id for one in claims})
    for source_id in {one.source_id for one in claims}:
        pairs = [(one.group_id, Member(Kind.USER, one.member_id)) for one in claims if one.source_id == source_id]
        memberships.add(work.connection, source_id, pairs)
        if source_id == work.source_id:
            work.lost_members -= set(pairs)
    for one in claims:
        if (one.group_id, one.member_id) not in had:
            gained[one.group_id].add(Member(Kind.USER, one.member_id))


def _take_out_leavers(work: Work, gained: dict[str, set[Member]]) -> None:
    """Leavers are in no group, whoever says so; who joins and leaves in one batch was never in it."""
    if not work.new_leavers:
        return
    for user_id, group_ids in memberships.group_ids_of(work.connection, work.new_leavers).items():
        member = Member(Kind.USER, user_id)
        for group_id in group_ids:
            if member in gained.get(group_id, ()):
                gained[group_id].remove(member)
            else:
                work.departed[group_id].add(member)
    memberships.remove_members(work.connection, work.new_leavers)


def _members_lost(work: Work) -> dict[str, set[Member]]:
    """Remove the memberships that this source no longer says; the members that nobody says any more, by group id."""
    deleted = work.deleted
    lost: defaultdict[str, set[Member]] = defaultdict(set, {group_id: set(gone) for group_id, gone in work.departed.items()})
    doubtful = {(group_id, member) for group_id, member in work.lost_members if not deleted & {group_id, member.id}}
    if not doubtful:
        return lost
    doubtful = _no_longer_said(work, doubtful)
    group_ids, member_ids = {group_id for group_id, _ in doubtful}, {member.id for _, member in doubtful}
    had = memberships.existing(work.connection, group_ids, member_ids)
    memberships.remove(work.connection, work.source_id, doubtful)
    gone = had - memberships.existing(work.connection, group_ids, member_ids)
    for group_id, member in doubtful:
        if (group_id, member.id) in gone:
            lost[group_id].add(member)
    return lost


def _no_longer_said(work: Work, doubtful: set[tuple[str, Member]]) -> set[tuple[str, Member]]:
    """Without the pairs that another record of the same source, linked to the same object, still says."""
    ids = {identifier for group_id, member in doubtful for identifier in (group_id, member.id)}
    several = record_rows.with_several(work.connection, work.source_id, ids)
    if not several and not work.moved_to_others:
        return doubtful
    said = record_rows.members_said(work.connection, work.source_id, {group_id for group_id, _ in doubtful})
    return {(group_id, member) for group_id, member in doubtful if (group_id, member.id) not in said}


def _resolved_groups(work: Work) -> list[str]:
    return [
        touched.row.object_id
        for touched in work.touched.values()
        if touched.kind is Kind.GROUP and touched.row.object_id in work.resolved
    ] + [object_id for object_id, kind in work.to_place.items() if kind is Kind.GROUP]


def _new_group(work: Work, object_id: str) -> Group:
    attributes = work.resolved[object_id]
    return Group(
        object_id,
        authority.name_of(Kind.GROUP, attributes),
        work.origin(work.created[object_id].row),
        work.now,
        work.now,
        authority.described(Kind.GROUP, attributes),
    )


def _changed_group(work: Work, group: Group) -> Group:
    attributes = work.resolved.get(group.id)
    if attributes is None:
        return group
    name = authority.name_of(Kind.GROUP, attributes) or group.name
    return replace(group, name=name, attributes=authority.described(Kind.GROUP, attributes))


def _change(
    work: Work, group: Group, change_type: ChangeType, gained: dict[str, set[Member]], lost: dict[str, set[Member]]
) -> Change:
    return Change(
        0,
        work.now,
        Kind.GROUP,
        group.id,
        change_type,
        work.source_id,
        group,
        (),
        _sorted(gained.get(group.id, ())),
        _sorted(lost.get(group.id, ())),
    )


def _sorted(members: set[Member] | tuple[()]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=lambda member: member.id))
