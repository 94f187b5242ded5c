"""The objects that one step of a view must still project, and the rules by which one entry makes others dependent on it: a name
that others wanted becomes free, an entry above is renamed, a group lists a renamed member."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from gateway.directory.materialization.view_scope import ViewScope
from gateway.directory.projection.entry import Entry
from gateway.directory.projection.entry_kinds import CONTAINER, PRIVATE_GROUP, private_group, private_group_owner
from gateway.directory.projection.projection import Projection
from gateway.directory.view_file.entry_writer import PutResult, ViewWriter
from gateway.model.objects import DirectoryObject, Group, Kind, User
from gateway.store.engine.database import Database
from gateway.store.objects import memberships
from gateway.store.objects.by_kind import OBJECT_STORES

_LOAD = "load"
"""In place of an object: its present state is to be read from the store."""

Item: TypeAlias = DirectoryObject | str | None
"""An object; _LOAD; or None for one that has been deleted."""


class Dependents:
    """The objects of one step. `pending`: those that are to be projected, by kind and id. `containers_are_due`: the view's own
    entries are to be checked. `removed`: the number of entries that were removed."""

    def __init__(self, database: Database, projection: Projection, writer: ViewWriter, scope: ViewScope) -> None:
        self._database = database
        self._projection = projection
        self._writer = writer
        self._entries = writer.entries
        self._scope = scope
        self._has_references = bool(projection.view.reference_attributes)
        self.pending: dict[Kind, dict[str, Item]] = {kind: {} for kind in Kind}
        self.containers_are_due = False
        self.removed = 0

    # What is to be projected ------------------------------------------------------------------------------------------

    def load(self, kind: Kind, chunk: Mapping[str, Item]) -> dict[str, DirectoryObject | None]:
        """Return the objects that are in the view; None for those that are to be removed from it."""
        missing = [object_id for object_id, item in chunk.items() if item is _LOAD]
        found: Mapping[str, DirectoryObject] = {}
        if missing:
            found = self._database.read_blocking(lambda connection: OBJECT_STORES[kind].get_many(connection, missing))
        present = {object_id: found.get(object_id) if isinstance(item, str) else item for object_id, item in chunk.items()}
        return {object_id: item if item is not None and self._has(item) else None for object_id, item in present.items()}

    def _has(self, item: DirectoryObject) -> bool:
        """Return whether an object is in the view."""
        if isinstance(item, Group):
            return self._scope.has_group(item)
        if isinstance(item, User) and not self._scope.has_user(item):
            return False
        belongs_to = item.organization_ids if isinstance(item, User) else (item.id,)
        return self._scope.has_all_organizations or bool(self._scope.organizations(belongs_to))

    def project(self, kind: Kind, object_ids: Iterable[str]) -> None:
        """Have objects projected (again) from their present state in the store."""
        for object_id in object_ids:
            self.pending[kind].setdefault(object_id, _LOAD)

    def project_entries(self, entries: Iterable[tuple[str, str]]) -> None:
        """Have the objects of entries, given by (kind, object id), projected again; private groups come with their owners."""
        for kind, object_id in entries:
            if kind == PRIVATE_GROUP:
                self.project(Kind.USER, [private_group_owner(object_id)])
            elif kind == CONTAINER:
                self.containers_are_due = True
            else:
                self.project(Kind(kind), [object_id])

    # What depends on it -----------------------------------------------------------------------------------------------

    def project_groups_of(self, renamed: Iterable[int], new: Sequence[str]) -> None:
        """Have the groups projected that list a renamed entry (its id), or have a member (its object id) that is new or has
        another primary group: they show its DN."""
        affected = self._entries.groups_of(renamed)
        if new:
            found = self._database.read_blocking(lambda c: memberships.group_ids_of(c, new))
            # A group that has no entry yet will list them when it gets one.
            affected |= self._entries.entry_ids({group_id for group_ids in found.values() for group_id in group_ids}).keys()
        self.project(Kind.GROUP, affected)

    def project_pointing_at(self, object_ids: Iterable[str]) -> None:
        """Have the entries projected that name these objects, which are new, renamed or gone."""
        if self._has_references:
            self.project_entries(self._entries.referring_to(object_ids))

    def remove_entry(self, object_id: str) -> None:
        """Remove an object's entry: those below find another place, groups do not list it any more, another may have its
        name."""
        for entry_id in self._entries.entry_ids([object_id]).values():
            affected = self._entries.groups_of([entry_id])
            below = self._entries.children(entry_id)
            removed = self._writer.remove(object_id)
            if removed is not None:
                self.removed += 1
                self.project(Kind.GROUP, affected - {object_id})
                self.project_entries(below)
                self.project_pointing_at([object_id])
                self.release_name(removed[1])

    def check_renamed(self, result: PutResult, entry: Entry) -> bool:
        """Return whether an entry was renamed, be it by the case of a letter; then those below it are projected again, and
        another object may take the DN that it had."""
        if result.old_dn == entry.dn and result.old_key == entry.dn_key:
            return False
        self.project_pointing_at([entry.object_id])
        self.project_entries(self._entries.children(result.entry_id))
        if result.old_key is not None and result.old_key != entry.dn_key:
            self.release_name(result.old_key)
        return True

    def release_name(self, dn_key: str) -> None:
        """Have the objects projected again that would have had this DN, which is free now."""
        if dn_key in self._projection.container_keys:
            self.containers_are_due = True
        self.project_entries(self._entries.claimants(dn_key))

    def claim_name(self, kind: str, item: DirectoryObject, plain_key: str) -> bool:
        """Return whether the object gets the plain DN: the oldest that wants it does, whatever the order of writing. Private
        groups come after all others. A younger holder is made to free it."""
        if plain_key in self._projection.reserved_keys:
            return False
        holder = self._entries.holder(plain_key)
        if holder is None or holder[1] == item.id:
            return True
        if holder[0] == CONTAINER:
            return kind == Kind.ORGANIZATION and self._replace_container(holder[1])
        present = self._present(*holder)
        if present is not None and _rank(holder[0], present) < _rank(kind, item):
            return False
        self._writer.free_name(holder[1])
        self.project_entries([holder])
        if present is None:
            # It is about to be removed, and among those that want its name there may be an older one.
            self.release_name(plain_key)
        return True

    def _replace_container(self, container_id: str) -> bool:
        """Let an organization that is called like a container take its place, with the entries below it."""
        self.remove_entry(container_id)
        return True

    def _present(self, kind: str, object_id: str) -> DirectoryObject | None:
        """Return the present state of an entry's object, as far as it is in the view."""
        if kind != PRIVATE_GROUP:
            return self.load(Kind(kind), {object_id: _LOAD})[object_id]
        owner = private_group_owner(object_id)
        user = self.load(Kind.USER, {owner: _LOAD})[owner]
        return private_group(user) if isinstance(user, User) else None


def _rank(kind: str, item: DirectoryObject) -> tuple[object, ...]:
    return kind == PRIVATE_GROUP, item.created_at, item.id
