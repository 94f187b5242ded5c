"""One step: the work of one transaction on a view file. Objects become entries, with the private groups of people, until no
dependent object is left (dependents.py)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from gateway.directory.materialization.dependents import Dependents
from gateway.directory.materialization.view_scope import ViewScope
from gateway.directory.projection.entry import Entry
from gateway.directory.projection.entry_kinds import CONTAINER, PRIVATE_GROUP, is_entry, private_group, private_group_id
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.projection.projection import Projection
from gateway.directory.view_file.entry_lookup import Place, primary_group
from gateway.directory.view_file.entry_writer import PutResult, ViewWriter
from gateway.model.ldap import windows_identifiers
from gateway.model.objects import ROOT_ORGANIZATION_ID, DirectoryObject, Group, Kind, Organization, User
from gateway.store.engine.database import Database
from gateway.store.objects import memberships, organizations, users

CHUNKS = {Kind.ORGANIZATION: 1_000, Kind.USER: 1_000, Kind.GROUP: 50}
"""Objects held in memory at the same time; groups come with their members."""

EPOCH = datetime.fromtimestamp(0, UTC)


class ApplyStep:
    """The work of one transaction. `building`: the file is being filled, so that nothing has to be looked for that the build
    brings anyway."""

    def __init__(
        self, database: Database, projection: Projection, writer: ViewWriter, scope: ViewScope, *, building: bool = False
    ) -> None:
        self._database = database
        self._projection = projection
        self._writer = writer
        self._scope = scope
        self._entries = writer.entries
        self._building = building
        self._dependents = Dependents(database, projection, writer, scope)
        self._written = 0
        view = projection.view
        self._has_private_groups = view.private_groups
        self._has_primary_groups = view.kind == "ad"
        self._in_tree = view.layout == "tree"
        naming = attribute_key(view.rules[Kind.USER].naming)
        self._has_organization_container = not view.rules[Kind.ORGANIZATION].container
        self._logins_are_not_names = "memberUid" in view.member_attributes and naming != "uid"

    def run(self, latest: Mapping[Kind, Mapping[str, DirectoryObject | None]]) -> int:
        """Project these objects, organizations first, then users, then groups: each is named in the next. Return the number of
        entries that were written or removed."""
        pending = self._dependents.pending
        for kind, changed in latest.items():
            pending[kind].update(changed)
        if pending[Kind.ORGANIZATION]:
            self._refresh_scope()
        work = {Kind.ORGANIZATION: self._organizations, Kind.USER: self._users, Kind.GROUP: self._groups}
        while any(pending.values()):
            for kind in work:
                items, pending[kind] = pending[kind], {}
                ids = list(items)
                for start in range(0, len(ids), CHUNKS[kind]):
                    chunk = {object_id: items[object_id] for object_id in ids[start : start + CHUNKS[kind]]}
                    work[kind](self._dependents.load(kind, chunk))
                if self._dependents.containers_are_due:
                    self._put_containers()
        return self._written + self._dependents.removed

    def _refresh_scope(self) -> None:
        """Resolve the view's scope again: organizations that come into it or leave it take the people in them along."""
        moved = self._scope.refresh()
        self._dependents.project(Kind.ORGANIZATION, moved)
        if moved and not self._building:
            self._dependents.project(Kind.USER, self._database.read_blocking(lambda c: users.ids_directly_in(c, moved)))

    # Organizations ----------------------------------------------------------------------------------------------------

    def _organizations(self, items: Mapping[str, DirectoryObject | None]) -> None:
        remaining = {key: item for key, item in items.items() if isinstance(item, Organization) and is_entry(item)}
        while remaining:
            _, item = next(iter(remaining.items()))
            path = [item]
            while (parent := remaining.get(path[-1].parent_id or "")) is not None and parent not in path:
                path.append(parent)
            for organization in reversed(path):
                del remaining[organization.id]
                self._organization(organization)
        self._remove(items)

    def _put_containers(self) -> None:
        """Write the view's own entries, but for those whose name an organization has."""
        self._dependents.containers_are_due = False
        root = self._database.read_blocking(lambda c: organizations.get(c, ROOT_ORGANIZATION_ID))
        for entry in self._projection.containers(root.created_at if root else EPOCH):
            holder = self._entries.holder(entry.dn_key)
            if holder is None or holder[0] == CONTAINER:
                self._writer.put(entry)

    def _container(self, kind: Kind) -> tuple[str, str] | None:
        """Return DN and key of the container of a kind where an organization has taken its place; None: as the view defines."""
        if not self._has_organization_container:
            return None
        found = self._entries.place_named(self._projection.view.container(kind).key)
        return found[1][1:] if found is not None and found[0] == Kind.ORGANIZATION else None

    def _organization(self, item: Organization) -> None:
        parents = self._entries.places([item.parent_id]) if item.parent_id else {}
        place = parents.get(item.parent_id or "")
        name = self._projection.name(Kind.ORGANIZATION, item)
        plain = self._projection.plain_key(Kind.ORGANIZATION, name, place[2] if place else None)
        unique = self._dependents.claim_name(Kind.ORGANIZATION, item, plain)
        entry = self._projection.organization(item, _name_of(place), unique)
        result = self._writer.put(entry, (), None if unique else plain)
        if not result.changed:
            return
        self._written += 1
        self._dependents.check_renamed(result, entry)
        if result.old_dn is None:
            self._dependents.project_pointing_at([item.id])
            # Children that were written first stand below the container until now.
            children = self._database.read_blocking(lambda c: organizations.child_ids(c, [item.id]))
            self._dependents.project(Kind.ORGANIZATION, children)
        # Its name is among the values of the users who belong to it.
        inside = self._database.read_blocking(lambda c: users.ids_directly_in(c, [item.id]))
        self._dependents.project(Kind.USER, self._entries.entry_ids(inside))

    # Users ------------------------------------------------------------------------------------------------------------

    def _users(self, items: Mapping[str, DirectoryObject | None]) -> None:
        present = [item for item in items.values() if isinstance(item, User)]
        inside = {user.id: self._scope.organizations(user.organization_ids) for user in present}
        placed = {organization_id for organization_ids in inside.values() for organization_id in organization_ids}
        placed.discard(ROOT_ORGANIZATION_ID)  # it has no entry
        found = self._database.read_blocking(lambda c: organizations.get_many(c, placed)) if placed else {}
        names = {key: item.name for key, item in found.items() if is_entry(item)}
        places = self._entries.places(names)
        known = self._entries.entry_ids([user.id for user in present])
        unplaced, among_groups = self._container(Kind.USER), self._container(Kind.GROUP)
        parents = [self._parent([places[o] for o in inside[user.id] if o in places]) or unplaced for user in present]
        plain_keys = [
            self._projection.plain_key(Kind.USER, self._projection.name(Kind.USER, user), parent[1] if parent else None)
            for user, parent in zip(present, parents, strict=True)
        ]
        taken = self._entries.taken(plain_keys) | self._projection.reserved_keys
        renamed: list[int] = []
        new: list[str] = []
        regrouped: list[str] = []
        referenced = self._referenced(Kind.USER, present)
        for user, parent, plain in zip(present, parents, plain_keys, strict=True):
            unique = plain not in taken or self._dependents.claim_name(Kind.USER, user, plain)
            belongs_to = inside[user.id]
            entry = self._projection.user(user, [names[o] for o in belongs_to if o in names], unique, parent, referenced)
            where = [places[o][0] for o in belongs_to if o in places]
            result = self._writer.put(entry, where, None if unique else plain, may_exist=user.id in known)
            self._writer.set_links(result, self._projection.targets(Kind.USER, user))
            taken.add(entry.dn_key)
            self._written += result.changed
            if result.old_dn is None:
                new.append(user.id)
            elif self._dependents.check_renamed(result, entry) or (self._logins_are_not_names and result.changed):
                renamed.append(result.entry_id)
            if self._has_primary_groups and result.old and primary_group(result.old) != primary_group(entry.encoded):
                regrouped.append(user.id)
            if self._has_private_groups:
                self._private_group(user, where, among_groups, may_exist=user.id in known)
        self._remove(items)
        self._dependents.project_groups_of(renamed, [*new, *regrouped])
        self._dependents.project_pointing_at(new)

    def _referenced(self, kind: Kind, items: Sequence[DirectoryObject]) -> dict[str, str]:
        """Return the DNs of the entries that those of the objects name."""
        targets = {target for item in items for target in self._projection.targets(kind, item)}
        return {object_id: place[1] for object_id, place in self._entries.places(targets).items()}

    def _parent(self, places: Sequence[Place]) -> tuple[str, str] | None:
        """Return DN and key of the entry that a user stands below: in the tree the first organization; None for the
        container."""
        return _name_of(places[0]) if places and self._in_tree else None

    def _private_group(self, user: User, where: Sequence[int], parent: tuple[str, str] | None, *, may_exist: bool) -> None:
        group = private_group(user)
        if group is None:
            if may_exist:
                self._dependents.remove_entry(private_group_id(user.id))
            return
        plain = self._projection.plain_key(Kind.GROUP, self._projection.name(Kind.GROUP, group))
        unique = self._dependents.claim_name(PRIVATE_GROUP, group, plain)
        entry = self._projection.private_group(group, unique, parent)
        result = self._writer.put(entry, where, None if unique else plain, may_exist=may_exist)
        self._written += result.changed
        if result.old_dn is not None:
            self._dependents.check_renamed(result, entry)

    # Groups -----------------------------------------------------------------------------------------------------------

    def _groups(self, items: Mapping[str, DirectoryObject | None]) -> None:
        present = [item for item in items.values() if isinstance(item, Group)]
        renamed: list[int] = []
        new: list[str] = []
        members = self._database.read_blocking(lambda c: memberships.members_of(c, [group.id for group in present]))
        parent = self._container(Kind.GROUP)
        for group in present:
            result, entry = self._group(group, parent, sorted(member.id for member in members.get(group.id, ())))
            if result.old_dn is None:
                new.append(group.id)
            elif self._dependents.check_renamed(result, entry):
                renamed.append(result.entry_id)
        self._remove(items)
        self._dependents.project_groups_of(renamed, new)
        self._dependents.project_pointing_at(new)

    def _group(self, group: Group, parent: tuple[str, str] | None, member_ids: Sequence[str]) -> tuple[PutResult, Entry]:
        places = self._entries.places(member_ids)
        primary = [places.pop(object_id)[0] for object_id in self._primary_members(group, places)]
        listed = [places[member_id] for member_id in member_ids if member_id in places]
        names = [place[1].encode() for place in listed]
        logins = sorted(self._entries.logins(places)) if self._projection.lists_logins(group) else ()
        plain = self._projection.plain_key(Kind.GROUP, self._projection.name(Kind.GROUP, group))
        unique = self._dependents.claim_name(Kind.GROUP, group, plain)
        entry = self._projection.group(group, names, logins, unique, parent, self._referenced(Kind.GROUP, [group]))
        result = self._writer.put(entry, (), None if unique else plain)
        self._writer.set_links(result, self._projection.targets(Kind.GROUP, group))
        self._writer.set_members(result.entry_id, [place[0] for place in listed], primary)
        self._written += result.changed
        return result, entry

    def _primary_members(self, group: Group, member_ids: Iterable[str]) -> set[str]:
        """Return the members whose primary group it is: neither member nor memberOf lists them ([MS-ADTS] §3.1.1.4.5.19 adds
        that group by primaryGroupID alone)."""
        sids = group.attributes.get("object_sid", ()) if self._has_primary_groups else ()
        sid = windows_identifiers.sid(sids[0]) if sids else None
        return self._entries.with_primary_group(member_ids, sid) if sid is not None else set()

    def _remove(self, items: Mapping[str, DirectoryObject | None]) -> None:
        for object_id, item in items.items():
            if item is None:
                self._dependents.remove_entry(object_id)
                if self._has_private_groups:
                    self._dependents.remove_entry(private_group_id(object_id))


def _name_of(place: Place | None) -> tuple[str, str] | None:
    return (place[1], place[2]) if place else None
