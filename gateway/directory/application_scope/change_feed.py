"""Change feed: users, organizations and groups together, in commit order, narrowed to what the application sees.

What is in scope is judged by the tree as it is *now*, whatever it was at the time of the change: so no history of the tree is
needed, and the reader ends with the present state of its scope, because whatever makes the tree's past and present differ is
itself a later change. An organization that moves into or out of the scope takes with it what stands below it, which has no
change of its own: that is reported right after the move, from the present state, in slices. Between two slices the tree may
move again, so until the reader has passed the change at which the last slice was read, every move is reported with all that
stands below it (`Position.careful`). Replay, at-least-once, and "create or update" are therefore one thing for a reader: it
upserts what is reported."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

import msgspec

from gateway.directory.application_scope.past_scope import PastScope
from gateway.directory.application_scope.position import MEMBERS, ORGANIZATIONS, USERS, Position
from gateway.directory.application_scope.scoped_directory import ScopedDirectory, ScopedOrganization, ScopedUser
from gateway.model.changes import Change, ChangeType
from gateway.model.objects import Group, Kind, Member, Organization, User
from gateway.store.log import changes
from gateway.store.objects import organizations, scoped_queries

AT_ONCE = 500
"""Changes read from the log at a time."""

MAX_SCANNED = 5_000
"""Changes that one page reads when nothing of them is in scope; it is then empty, and more are waiting."""

MEMBERS_AT_ONCE = 1_000
"""Members in one item; a larger change of a group comes as several items of the same change."""

ScopedObject: TypeAlias = ScopedUser | ScopedOrganization | Group


@dataclass(frozen=True, slots=True)
class Item:
    """The effect of one change on one object in the reader's copy. `object`: its present state; None: it is deleted there.

    `change_number` is not unique: what stands below a moved organization is reported under the number of the move.
    `added_members`, `removed_members`: of a group that is not deleted, those in scope.
    """

    change_number: int
    time: datetime
    type: ChangeType
    kind: Kind
    id: str
    object: ScopedObject | None = None
    added_members: tuple[Member, ...] = ()
    removed_members: tuple[Member, ...] = ()


class FeedPage:
    """One page of the feed from `position` on, of at most `limit` items; `fill` reads it and moves `position`."""

    def __init__(self, directory: ScopedDirectory, position: Position, limit: int) -> None:
        self.items: list[Item] = []
        self.position = position
        self._directory = directory
        self._limit = limit
        self._people: dict[int, User] = {}
        """The users whose details are still to be read, by the index of their items."""
        self._past = PastScope(directory, position.careful_from if position.careful else position.number)

    @property
    def more(self) -> bool:
        """True when the next page can be read at once."""
        return bool(self.position.phase) or self.position.number < changes.last(self._directory.connection)

    def fill(self) -> None:
        """Read on until the page is full or the log's end, or MAX_SCANNED, is reached."""
        scanned = 0
        while self._room and scanned < MAX_SCANNED:
            batch = changes.after(self._directory.connection, self.position.number, AT_ONCE if not self.position.phase else 1)
            if not batch:
                break
            scanned += len(batch)
            for change in batch:
                if not self._room:
                    break
                self._report(change)
                if self.position.phase:
                    break
        self._complete()

    @property
    def _room(self) -> int:
        return self._limit - len(self.items)

    def _report(self, change: Change) -> None:
        """Report one change, or go on with it."""
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
        elif self._directory.has_group(change.object_id):
            self._group(change)

    def _user(self, change: Change) -> None:
        before = change.organizations_before
        if isinstance(change.object, User) and self._directory.has_any(change.object.organization_ids):
            entered = bool(before) and not self._directory.has_any(before)
            self._put_user(change, change.object, entered)
        elif self._left(change) and self._past.has_any(before):
            self._put_deletion(change, Kind.USER, change.object_id)

    def _organization(self, change: Change) -> None:
        before = change.organizations_before
        within_before = not {change.object_id, *before}.isdisjoint(self._directory.scope.organization_ids)
        if isinstance(change.object, Organization) and self._directory.has_organization(change.object_id):
            self._put_organization(change, change.object, bool(before) and not within_before)
            if before and not self._directory.all_organizations and (self.position.careful or not within_before):
                self._move(phase=ORGANIZATIONS)
        elif self._left(change) and self._past.has_any((change.object_id,)):
            self._put_deletion(change, Kind.ORGANIZATION, change.object_id)
            if change.object is not None:
                self._move(phase=ORGANIZATIONS)

    def _left(self, change: Change) -> bool:
        """Return True when the change took the object out of something."""
        return change.object is None or bool(change.organizations_before)

    def _group(self, change: Change) -> None:
        if not isinstance(change.object, Group):
            self._put_deletion(change, Kind.GROUP, change.object_id)
            return
        self._move(phase=MEMBERS, after="0")

    def _continue(self, change: Change) -> None:
        """Report the next part of a change, unless the caller sees nothing of it: a phase comes from a token (law 15)."""
        if not self._concerns_caller(change):
            self._end_phase(change)
            return
        {ORGANIZATIONS: self._below, USERS: self._users_below, MEMBERS: self._members}[self.position.phase](change)

    def _concerns_caller(self, change: Change) -> bool:
        if self.position.phase == MEMBERS:
            return change.kind is Kind.GROUP and self._directory.has_group(change.object_id)
        is_organization = change.kind is Kind.ORGANIZATION
        seen = self._directory.has_organization(change.object_id) or self._past.has_any((change.object_id,))
        return is_organization and seen and bool(change.organizations_before)

    def _end_phase(self, change: Change) -> None:
        """An organization that has left the scope meanwhile is reported with that later move, in full."""
        if self.position.phase == MEMBERS:
            self._move(phase="", after="")
        else:
            self._expanded(change)

    def _members(self, change: Change) -> None:
        """Put one item of a group's change, with the next members of it."""
        first = int(self.position.after)
        added, removed = (change.added_members, change.removed_members) if self._directory.shows_members else ((), ())
        all_of_them = [*((True, member) for member in added), *((False, member) for member in removed)]
        part = all_of_them[first : first + MEMBERS_AT_ONCE]
        seen = set(self._directory.members([member for _, member in part]))
        if isinstance(change.object, Group):
            item = _item(change, Kind.GROUP, change.object_id, change.type if first == 0 else ChangeType.UPDATE)
            added = tuple(member for is_added, member in part if is_added and member in seen)
            removed = tuple(member for is_added, member in part if not is_added and member in seen)
            self.items.append(replace(item, object=change.object, added_members=added, removed_members=removed))
        following = first + MEMBERS_AT_ONCE
        more = following < len(all_of_them)
        self._move(phase=MEMBERS if more else "", after=str(following) if more else "")

    def _below(self, change: Change) -> None:
        """Put some of the organizations below one that entered or left the scope."""
        below = organizations.subtree(self._directory.connection, (change.object_id,)) - {change.object_id}
        ids = sorted(one for one in below if one > self.position.after)[: self._room]
        found = organizations.get_many(self._directory.connection, ids)
        for organization_id in ids:
            if self._directory.has_organization(organization_id):
                self._put_organization(change, found[organization_id], entered=False)
            else:
                self._put_deletion(change, Kind.ORGANIZATION, organization_id)
        self._move(phase=ORGANIZATIONS if ids else USERS, after=ids[-1] if ids else "")

    def _users_below(self, change: Change) -> None:
        """Put some of the users in those organizations."""
        below = organizations.subtree(self._directory.connection, (change.object_id,))
        found = scoped_queries.users_in(self._directory.connection, below, self.position.after, self._room)
        for user in found:
            if self._directory.has_any(user.organization_ids):
                self._put_user(change, user, entered=False)
            else:
                self._put_deletion(change, Kind.USER, user.id)
        if found:
            self._move(after=found[-1].id)
        else:
            self._expanded(change)

    def _expanded(self, change: Change) -> None:
        careful_from = self.position.careful_from if self.position.careful else change.number - 1
        self._move(phase="", after="", careful_from=careful_from, careful_until=changes.last(self._directory.connection))

    def _put_user(self, change: Change, user: User, entered: bool) -> None:
        self._people[len(self.items)] = user
        self.items.append(_item(change, Kind.USER, user.id, _upsert(change, user.id, entered)))

    def _put_organization(self, change: Change, organization: Organization, entered: bool) -> None:
        item = _item(change, Kind.ORGANIZATION, organization.id, _upsert(change, organization.id, entered))
        self.items.append(replace(item, object=self._directory.scoped_organization(organization)))

    def _put_deletion(self, change: Change, kind: Kind, object_id: str) -> None:
        self.items.append(_item(change, kind, object_id, ChangeType.DELETE))

    def _move(self, **to: str | int) -> None:
        self.position = msgspec.structs.replace(self.position, **to)

    def _complete(self) -> None:
        """Fill in the users' details, all of them in a few queries."""
        details = self._directory.scoped_users(list(self._people.values()))
        for index, detail in zip(self._people, details, strict=True):
            self.items[index] = replace(self.items[index], object=detail)
        self._people.clear()


def _item(change: Change, kind: Kind, object_id: str, change_type: ChangeType) -> Item:
    return Item(change.number, change.time, change_type, kind, object_id)


def _upsert(change: Change, object_id: str, entered: bool) -> ChangeType:
    own = change.object_id == object_id
    return ChangeType.CREATE if entered or (own and change.type is ChangeType.CREATE) else ChangeType.UPDATE
