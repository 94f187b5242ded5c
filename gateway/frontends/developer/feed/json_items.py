"""The JSON of the feed: the items of /changes and the lines of /export, whose objects are the API's records."""

from collections.abc import Iterable, Sequence

from msgspec import UNSET, Struct, UnsetType

from gateway.directory.application_scope import change_feed, snapshot
from gateway.directory.application_scope.scoped_directory import ScopedOrganization, ScopedUser
from gateway.frontends.developer.records.json_records import FollowedUser, GroupRecord, Projector, UnitRecord, milliseconds
from gateway.frontends.http.request import lines
from gateway.model.objects import Group, Kind, Member


class MemberItem(Struct, frozen=True):
    """A member of a group."""

    kind: str
    id: str


class ChangeItem(Struct, rename="camel", frozen=True, kw_only=True):
    """One item of /changes. `object` is missing when it was deleted; the members only of a group that was not, and
    only where the caller may read members, and so are `group_ids`: of a user, the groups that have it as a direct member now;
    items of groups tell of every later change."""

    change_number: int
    time: int
    type: str
    kind: str
    id: str
    object: FollowedUser | UnitRecord | GroupRecord | UnsetType = UNSET
    group_ids: list[str] | UnsetType = UNSET
    added_members: list[MemberItem] | UnsetType = UNSET
    removed_members: list[MemberItem] | UnsetType = UNSET


class ExportLine(Struct, rename="camel", frozen=True):
    """One line of /export with an object; `members` only of a group, `groupIds` only of a user, where the caller may read
    members."""

    kind: str
    object: FollowedUser | UnitRecord | GroupRecord
    group_ids: list[str] | UnsetType = UNSET
    members: list[MemberItem] | UnsetType = UNSET


class FurtherMembersLine(Struct, rename="camel", frozen=True, tag_field="kind", tag="members"):
    """One line of /export that goes on with a large group."""

    group_id: str
    members: list[MemberItem] | UnsetType


def change_items(items: Iterable[change_feed.Item], project: Projector) -> list[ChangeItem]:
    """Project a page of the feed."""
    return [_change_item(item, project) for item in items]


def export_lines(items: Sequence[snapshot.Item], project: Projector) -> bytes:
    """Project a chunk of a snapshot as NDJSON."""
    return lines(_export_line(item, project) for item in items)


def _change_item(item: change_feed.Item, project: Projector) -> ChangeItem:
    is_group = isinstance(item.object, Group)
    return ChangeItem(
        change_number=item.change_number,
        time=milliseconds(item.time),
        type=item.type.value,
        kind=item.kind.value,
        id=item.id,
        object=UNSET if item.object is None else _record(item.object, project),
        group_ids=_group_ids(item.object, project) if isinstance(item.object, ScopedUser) else UNSET,
        added_members=_members(item.added_members, project) if is_group else UNSET,
        removed_members=_members(item.removed_members, project) if is_group else UNSET,
    )


def _export_line(item: snapshot.Item, project: Projector) -> ExportLine | FurtherMembersLine:
    if isinstance(item, ScopedOrganization):
        return ExportLine(Kind.ORGANIZATION.value, project.unit(item))
    if isinstance(item, ScopedUser):
        return ExportLine(Kind.USER.value, project.followed_user(item), _group_ids(item, project))
    if item.group is None:
        return FurtherMembersLine(item.group_id, _members(item.members, project))
    return ExportLine(Kind.GROUP.value, project.group(item.group), members=_members(item.members, project))


def _record(found: change_feed.ScopedObject, project: Projector) -> FollowedUser | UnitRecord | GroupRecord:
    if isinstance(found, ScopedUser):
        return project.followed_user(found)
    return project.unit(found) if isinstance(found, ScopedOrganization) else project.group(found)


def _group_ids(found: ScopedUser, project: Projector) -> list[str] | UnsetType:
    return UNSET if found.groups is None or not project.shows_members else [group.id for group in found.groups]


def _members(found: Iterable[Member], project: Projector) -> list[MemberItem] | UnsetType:
    return UNSET if not project.shows_members else [MemberItem(member.kind.value, member.id) for member in found]
