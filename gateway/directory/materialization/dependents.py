"""What is still to be projected in one step of a view, and what makes it so: names that others waited for, entries below a
renamed one, groups that list a renamed member."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from gateway.directory.materialization.view_scope import ViewScope
from gateway.directory.projection.projection import (
    CONTAINER,
    PRIVATE_GROUP,
    Entry,
    Projection,
    private_group,
    private_group_owner,
)
from gateway.directory.view_file.entry_writer import PutResult, ViewWriter
from gateway.model.objects import DirectoryObject, Group, Kind, User
from gateway.store.engine.database import Database
from gateway.store.objects import memberships
from gateway.store.objects.by_kind import OBJECT_STORES

_LOAD = "load"
"""In place of an object: its present state is to be read from the store."""

Item: TypeAlias = DirectoryObject | str | None


class Dependents:
    """`items`: what is to be projected. `containers_are_due`: whether the view's own entries must be looked after.
    `removed`: how many entries were."""

    def __init__(self, database: Database, projection: Projection, writer: ViewWriter, content: ViewScope) -> None:
        self._database = database
        self._projection = projection
        self._writer = writer
        self._content = content
        self.items: dict[Kind, dict[str, Item]] = {kind: {} for kind in Kind}
        self.containers_are_due = False
        self.removed = 0

    # What is to be done -----------------------------------------------------------------------------------------------

    def loaded(self, kind: Kind, chunk: Mapping[str, Item]) -> dict[str, DirectoryObject | None]:
        """The objects, those that are in the view; None for what is to be removed from it."""
        missing = [object_id for object_id, item in chunk.items() if item is _LOAD]
        found: Mapping[str, DirectoryObject] = {}
        if missing:
            found = self._database.read_blocking(lambda connection: OBJECT_STORES[kind].get_many(connection, missing))
        present = {object_id: found.get(object_id) if isinstance(item, str) else item for object_id, item in chunk.items()}
        return {object_id: item if item is not None and self._has(item) else None for object_id, item in present.items()}

    def _has(self, item: DirectoryObject) -> bool:
        """Whether an object is in the view."""
        if isinstance(item, Group):
            return self._content.has_group(item)
        if isinstance(item, User) and not self._content.has_user(item):
            return False
        belongs_to = item.organization_ids if isinstance(item, User) else (item.id,)
        return self._content.has_all_organizations or bool(self._content.organizations(belongs_to))

    def again(self, kind: Kind, object_ids: Iterable[str]) -> None:
        """Projects objects (again) from their present state in the store."""
        for object_id in object_ids:
            self.items[kind].setdefault(object_id, _LOAD)

    def rows_again(self, rows: Iterable[tuple[str, str]]) -> None:
        """The same for (kind, object id) of entries; private groups come with their owners."""
        for kind, object_id in rows:
            if kind == PRIVATE_GROUP:
                self.again(Kind.USER, [private_group_owner(object_id)])
            elif kind == CONTAINER:
                self.containers_are_due = True
            else:
                self.again(Kind(kind), [object_id])

    # What follows -----------------------------------------------------------------------------------------------------

    def listed(self, renamed: Iterable[int], new: Sequence[str]) -> None:
        """Groups that list a renamed or a new entry show its DN."""
        affected = self._writer.groups_of(renamed)
        if new:
            found = self._database.read_blocking(lambda c: memberships.group_ids_of(c, new))
            # A group that has no entry yet will list them when it gets one.
            affected |= self._writer.entry_ids({group_id for group_ids in found.values() for group_id in group_ids}).keys()
        self.again(Kind.GROUP, affected)

    def remove_entry(self, object_id: str) -> None:
        """What stood below finds another place; groups do not list it any more; another may have its name."""
        for entry_id in self._writer.entry_ids([object_id]).values():
            affected = self._writer.groups_of([entry_id])
            below = self._writer.children(entry_id)
            gone = self._writer.remove(object_id)
            if gone is not None:
                self.removed += 1
                self.again(Kind.GROUP, affected - {object_id})
                self.rows_again(below)
                self.freed(gone[1])

    def named(self, done: PutResult, entry: Entry) -> bool:
        """Whether an entry is called otherwise than before, be it by the case of a letter: those below it follow, and another
        may take the DN that it had."""
        if done.old_dn == entry.dn and done.old_key == entry.dn_key:
            return False
        self.rows_again(self._writer.children(done.entry_id))
        if done.old_key is not None and done.old_key != entry.dn_key:
            self.freed(done.old_key)
        return True

    def freed(self, dn_key: str) -> None:
        """Nobody has this DN any more: whoever would have had it may."""
        if dn_key in self._projection.container_keys:
            self.containers_are_due = True
        self.rows_again(self._writer.waiting_for(dn_key))

    def claims(self, kind: str, item: DirectoryObject, plain_key: str) -> bool:
        """Whether the object may have the plain DN: the oldest that wants it does, whatever the order of writing. Private
        groups come after all others."""
        if plain_key in self._projection.held:
            return False
        holder = self._writer.holder(plain_key)
        if holder is None or holder[1] == item.id:
            return True
        if holder[0] == CONTAINER:
            return kind == Kind.ORGANIZATION and self._takes_place(holder[1])
        present = self._present(*holder)
        if present is not None and _rank(holder[0], present) < _rank(kind, item):
            return False
        self._writer.step_aside(holder[1])
        self.rows_again([holder])
        if present is None:
            # It is about to be removed, and among those that wait for its name there may be an older one.
            self.freed(plain_key)
        return True

    def _takes_place(self, container_id: str) -> bool:
        """An organization that is called like a container takes its place, with what is below."""
        self.remove_entry(container_id)
        return True

    def _present(self, kind: str, object_id: str) -> DirectoryObject | None:
        """The present state of the object whose entry this is, as far as it is in the view."""
        if kind != PRIVATE_GROUP:
            return self.loaded(Kind(kind), {object_id: _LOAD})[object_id]
        owner = private_group_owner(object_id)
        user = self.loaded(Kind.USER, {owner: _LOAD})[owner]
        return private_group(user) if isinstance(user, User) else None


def _rank(kind: str, item: DirectoryObject) -> tuple[object, ...]:
    return kind == PRIVATE_GROUP, item.created_at, item.id
