"""GET /changes: users, organizational units and groups together, in commit order, narrowed to what the caller sees.

What is in scope is judged by the tree as it is *now*, whatever it was at the time of the change: so no history of the tree is
needed, and the reader ends with the present state of its scope, because whatever makes the tree's past and present differ is
itself a later change. A unit that moves into or out of the scope takes with it what stands below it, which has no change of its
own: that is told right after the move, from the present state, in slices. Between two slices the tree may move again, so until
the reader has passed the change at which the last slice was read, every move is told with all that stands below it
(`Position.careful`). Replay, at-least-once, and "create or update" are therefore one thing for a reader: put what is told."""

from typing import Any, TypeAlias

import msgspec

from gateway.frontends.developer.feed.past_scope import Reach
from gateway.frontends.developer.feed.position import MEMBERS, ORGANIZATIONS, USERS, Position
from gateway.frontends.developer.records.caller_scope import Visible
from gateway.frontends.developer.records.json_records import milliseconds
from gateway.model.changes import Change, ChangeType
from gateway.model.objects import Group, Kind, Member, Organization, User
from gateway.store.log import changes
from gateway.store.objects import organizations, scoped_queries

Item: TypeAlias = dict[str, Any]

AT_ONCE = 500
"""Changes read from the log at a time."""

MAX_SCANNED = 5_000
"""Changes that one request looks at when nothing of them is in scope; the answer is then empty, with `hasMore`."""

MEMBERS_AT_ONCE = 1_000
"""Members told in one item; a larger change of a group comes as several items of the same change."""


class Page:
    """One answer of the feed in the making."""

    def __init__(self, visible: Visible, position: Position, limit: int) -> None:
        self.items: list[Item] = []
        self.position = position
        self._visible = visible
        self._limit = limit
        self._people: list[tuple[Item, User]] = []
        self._reach = Reach(visible, position.careful_from if position.careful else position.number)

    @property
    def more(self) -> bool:
        """Whether there is more to be told at once."""
        return bool(self.position.phase) or self.position.number < changes.last(self._visible.connection)

    def fill(self) -> None:
        """Read on until the page is full or the log's end, or MAX_SCANNED, is reached."""
        scanned = 0
        while self._room and scanned < MAX_SCANNED:
            batch = changes.after(self._visible.connection, self.position.number, AT_ONCE if not self.position.phase else 1)
            if not batch:
                break
            scanned += len(batch)
            for change in batch:
                if not self._room:
                    break
                self._tell(change)
                if self.position.phase:
                    break
        self._complete()

    @property
    def _room(self) -> int:
        return self._limit - len(self.items)

    def _tell(self, change: Change) -> None:
        """Tell one change, or go on with it."""
        if not self.position.phase:
            self._begin(change)
        while self.position.phase and self._room:
            self._continue(change)
        if not self.position.phase:
            self._move(number=change.number)

    def _begin(self, change: Change) -> None:
        if change.kind is Kind.USER:
            self._user(change)
        elif change.kind is Kind.ORGANIZATION:
            self._organization(change)
        elif self._visible.has_group(change.object_id):
            self._group(change)

    def _user(self, change: Change) -> None:
        before = change.organizations_before
        if isinstance(change.object, User) and self._visible.has_any(change.object.organization_ids):
            entered = bool(before) and not self._visible.has_any(before)
            self._put_user(change, change.object, entered)
        elif self._left(change) and self._reach.has_any(before):
            self._put_deletion(change, Kind.USER, change.object_id)

    def _organization(self, change: Change) -> None:
        before = change.organizations_before
        within_before = not {change.object_id, *before}.isdisjoint(self._visible.scope.organization_ids)
        if isinstance(change.object, Organization) and self._visible.has_organization(change.object_id):
            self._put_unit(change, change.object, bool(before) and not within_before)
            if before and not self._visible.all_organizations and (self.position.careful or not within_before):
                self._move(phase=ORGANIZATIONS)
        elif self._left(change) and self._reach.has_any((change.object_id,)):
            self._put_deletion(change, Kind.ORGANIZATION, change.object_id)
            if change.object is not None:
                self._move(phase=ORGANIZATIONS)

    def _left(self, change: Change) -> bool:
        """Whether the change took the object out of something."""
        return change.object is None or bool(change.organizations_before)

    def _group(self, change: Change) -> None:
        if not isinstance(change.object, Group):
            self._put_deletion(change, Kind.GROUP, change.object_id)
            return
        self._move(phase=MEMBERS, after="0")

    def _continue(self, change: Change) -> None:
        {ORGANIZATIONS: self._units_below, USERS: self._users_below, MEMBERS: self._members}[self.position.phase](change)

    def _members(self, change: Change) -> None:
        """One item of a group's change, with the next members of it."""
        first = int(self.position.after)
        told = [*((True, member) for member in change.added_members), *((False, member) for member in change.removed_members)]
        part = told[first : first + MEMBERS_AT_ONCE]
        seen = set(self._visible.members([member for _, member in part]))
        if isinstance(change.object, Group):
            item = self._put(change, Kind.GROUP, change.object_id, change.type if first == 0 else ChangeType.UPDATE)
            item["object"] = self._visible.group_record(change.object)
            item["addedMembers"] = [_member(member) for added, member in part if added and member in seen]
            item["removedMembers"] = [_member(member) for added, member in part if not added and member in seen]
        following = first + MEMBERS_AT_ONCE
        self._move(phase=MEMBERS if following < len(told) else "", after=str(following) if following < len(told) else "")

    def _units_below(self, change: Change) -> None:
        """Some of the units below a unit that entered or left the scope."""
        below = organizations.subtree(self._visible.connection, (change.object_id,)) - {change.object_id}
        ids = sorted(unit_id for unit_id in below if unit_id > self.position.after)[: self._room]
        found = organizations.get_many(self._visible.connection, ids)
        for unit_id in ids:
            if self._visible.has_organization(unit_id):
                self._put_unit(change, found[unit_id], False)
            else:
                self._put_deletion(change, Kind.ORGANIZATION, unit_id)
        self._move(phase=ORGANIZATIONS if ids else USERS, after=ids[-1] if ids else "")

    def _users_below(self, change: Change) -> None:
        """Some of the users in those units."""
        below = organizations.subtree(self._visible.connection, (change.object_id,))
        found = scoped_queries.users_in(self._visible.connection, below, self.position.after, self._room)
        for user in found:
            if self._visible.has_any(user.organization_ids):
                self._put_user(change, user, False)
            else:
                self._put_deletion(change, Kind.USER, user.id)
        if found:
            self._move(after=found[-1].id)
        else:
            self._expanded(change)

    def _expanded(self, change: Change) -> None:
        careful_from = self.position.careful_from if self.position.careful else change.number - 1
        self._move(phase="", after="", careful_from=careful_from, careful_until=changes.last(self._visible.connection))

    def _put_user(self, change: Change, user: User, entered: bool) -> None:
        item = self._put(change, Kind.USER, user.id, _upsert(change, user.id, entered))
        self._people.append((item, user))

    def _put_unit(self, change: Change, unit: Organization, entered: bool) -> None:
        item = self._put(change, Kind.ORGANIZATION, unit.id, _upsert(change, unit.id, entered))
        item["object"] = self._visible.unit_record(unit)

    def _put_deletion(self, change: Change, kind: Kind, object_id: str) -> None:
        self._put(change, kind, object_id, ChangeType.DELETE)

    def _put(self, change: Change, kind: Kind, object_id: str, change_type: ChangeType) -> Item:
        item: Item = {
            "changeNumber": change.number,
            "time": milliseconds(change.time),
            "type": change_type.value,
            "kind": kind.value,
            "id": object_id,
        }
        self.items.append(item)
        return item

    def _move(self, **to: Any) -> None:
        self.position = msgspec.structs.replace(self.position, **to)

    def _complete(self) -> None:
        """Fill in the users' records, all of them in a few queries."""
        details = self._visible.user_details([user for _, user in self._people])
        for (item, _), detail in zip(self._people, details, strict=True):
            item["object"] = detail


def _upsert(change: Change, object_id: str, entered: bool) -> ChangeType:
    own = change.object_id == object_id
    return ChangeType.CREATE if entered or (own and change.type is ChangeType.CREATE) else ChangeType.UPDATE


def _member(member: Member) -> dict[str, str]:
    return {"kind": member.kind.value, "id": member.id}
