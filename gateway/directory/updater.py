"""Changes of the log → the view file, with everything that follows from them: names that others waited for, entries below a
renamed one, groups that list a renamed member. Also the first build from the store. Runs in a thread; waits for nobody."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from gateway.directory import viewfile
from gateway.directory.history import Moment
from gateway.directory.projection import Entry, Projection, is_entry
from gateway.directory.viewfile import ViewFile
from gateway.directory.writer import Put, ViewWriter
from gateway.model.changes import Change
from gateway.model.objects import ROOT_ORGANIZATION_ID, DirectoryObject, Group, Kind, Organization, User
from gateway.store import changes, groups, instance, memberships, organizations, users
from gateway.store.database import Database
from gateway.store.values import milliseconds

EPOCH = datetime.fromtimestamp(0, UTC)

BUILD_PAGE = 1_000
"""Objects read and written in one transaction of a build."""

CHUNKS = {Kind.ORGANIZATION: 1_000, Kind.USER: 1_000, Kind.GROUP: 50}
"""Objects held in memory at the same time; groups come with their members."""

_COUNT_AFTER_SHARE = 5
"""The planner's statistics are taken anew when a fifth as many entries were written as are there."""


class ViewUpdater:
    """Keeps one view file. Not shared between threads."""

    def __init__(self, file: ViewFile, database: Database) -> None:
        self._file = file
        self._database = database
        self.connection = file.open_writer()
        self._projection = Projection(file.view)
        self._writer = ViewWriter(self.connection, file.view)
        self._written_since_count = 0

    def close(self) -> None:
        """Closes the file."""
        self.connection.close()

    @property
    def position(self) -> int:
        """The last change that is in the file."""
        return viewfile.position(self.connection)

    def is_usable(self) -> bool:
        """Whether the file was built to its end, from this store, and is not ahead of it (a store restored from a backup)."""
        identity, last = self._database.read_blocking(lambda c: (instance.instance_id(c), changes.last(c)))
        same_store = viewfile.read(self.connection, "instance") == identity
        return same_store and bool(viewfile.read(self.connection, "complete")) and self.position <= last

    def build(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Fills the file from the store, from nothing. The log goes on meanwhile: what it brings later is applied on top. Ends
        early, with a file that is not usable, when `goes_on()` says so."""
        self.connection.close()
        self._file.remove()
        self.connection = self._file.open_writer()
        self._writer = ViewWriter(self.connection, self._file.view)
        position, identity, root = self._database.read_blocking(
            lambda c: (changes.last(c), instance.instance_id(c), organizations.get(c, ROOT_ORGANIZATION_ID))
        )
        created = root.created_at if root else EPOCH
        # Later than anything that was told of an earlier file, even if this one is older (a store restored from a backup).
        beginning = (Moment(position, milliseconds(datetime.now(UTC))),)
        with viewfile.transaction(self.connection):
            self._writer.begin(beginning)
            viewfile.fill(self.connection, "floor", position)
            for entry in self._projection.containers(created):
                self._writer.put(entry)
            viewfile.fill(self.connection, "instance", identity)
            self._writer.finish(position, complete=False)
        for kind in (Kind.ORGANIZATION, Kind.USER, Kind.GROUP):
            for page in self._pages(kind):
                if not goes_on():
                    return
                self._step({kind: {item.id: item for item in page}}, beginning, complete=False)
        with viewfile.transaction(self.connection):
            self._writer.count_values()
            self._writer.finish(position)
        self._written_since_count = 0

    def _pages(self, kind: Kind) -> Iterator[Sequence[DirectoryObject]]:
        after = ""
        while True:
            page = self._page(kind, after)
            if not page:
                return
            yield page
            after = page[-1].id

    def _page(self, kind: Kind, after: str) -> Sequence[DirectoryObject]:
        return self._database.read_blocking(lambda connection: _NOUNS[kind].iterate(connection, after, BUILD_PAGE))

    def apply(self, log: Sequence[Change]) -> None:
        """Applies changes that follow the present position, in one transaction. Applying them twice is applying them once."""
        latest: dict[Kind, dict[str, DirectoryObject | None]] = {}
        for change in log:
            latest.setdefault(change.kind, {})[change.object_id] = change.object
        self._step(latest, [Moment(change.number, milliseconds(change.time)) for change in log])

    def _step(
        self,
        latest: Mapping[Kind, Mapping[str, DirectoryObject | None]],
        moments: Sequence[Moment],
        *,
        complete: bool = True,
    ) -> None:
        try:
            with viewfile.transaction(self.connection):
                self._writer.begin(moments)
                step = _Step(self._database, self._projection, self._writer)
                for kind, items in latest.items():
                    step.pending[kind].update(items)
                step.run()
                self._written_since_count += step.written
                self._writer.finish(moments[-1].number, complete=complete)
        except BaseException:
            self._writer.forget()
            raise

    def count_if_due(self) -> bool:
        """Takes the planner's statistics anew when enough has changed; whether it did. For a quiet moment."""
        entries = int(self.connection.execute("SELECT coalesce(max(id), 0) FROM entry").fetchone()[0])
        if self._written_since_count * _COUNT_AFTER_SHARE < entries or not self._written_since_count:
            return False
        with viewfile.transaction(self.connection):
            self._writer.count_values()
        self._written_since_count = 0
        self.connection.execute("PRAGMA shrink_memory")  # what a large load has needed is not needed for single changes
        return True


_NOUNS = {Kind.ORGANIZATION: organizations, Kind.USER: users, Kind.GROUP: groups}

_LOAD = "load"
"""In place of an object: its present state is to be read from the store."""

_Item: TypeAlias = DirectoryObject | str | None


class _Step:
    """One transaction's work: objects that are to be projected, until nothing follows from anything any more."""

    def __init__(self, database: Database, projection: Projection, writer: ViewWriter) -> None:
        self._database = database
        self._projection = projection
        self._writer = writer
        self.pending: dict[Kind, dict[str, _Item]] = {kind: {} for kind in Kind}
        self.written = 0

    def run(self) -> None:
        """Organizations first, then users, then groups: each is named in the next."""
        work = {Kind.ORGANIZATION: self._organizations, Kind.USER: self._users, Kind.GROUP: self._groups}
        while any(self.pending.values()):
            for kind in work:
                items, self.pending[kind] = self.pending[kind], {}
                ids = list(items)
                for start in range(0, len(ids), CHUNKS[kind]):
                    chunk = {object_id: items[object_id] for object_id in ids[start : start + CHUNKS[kind]]}
                    work[kind](self._loaded(kind, chunk))

    def _loaded(self, kind: Kind, chunk: Mapping[str, _Item]) -> dict[str, DirectoryObject | None]:
        missing = [object_id for object_id, item in chunk.items() if item is _LOAD]
        found: Mapping[str, DirectoryObject] = {}
        if missing:
            found = self._database.read_blocking(lambda connection: _NOUNS[kind].get_many(connection, missing))
        return {object_id: found.get(object_id) if isinstance(item, str) else item for object_id, item in chunk.items()}

    def _again(self, kind: Kind, object_ids: Iterable[str]) -> None:
        """Projects objects (again) from their present state in the store."""
        for object_id in object_ids:
            self.pending[kind].setdefault(object_id, _LOAD)

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

    def _organization(self, item: Organization) -> None:
        parents = self._writer.places([item.parent_id]) if item.parent_id else {}
        place = parents.get(item.parent_id or "")
        parent = (place[1], place[2]) if place else None
        plain = self._projection.plain_key(
            Kind.ORGANIZATION, self._projection.name(Kind.ORGANIZATION, item), place[2] if place else None
        )
        unique = self._claims(Kind.ORGANIZATION, item, plain)
        entry = self._projection.organization(item, parent, unique)
        done = self._writer.put(entry, (), None if unique else plain)
        if not done.changed:
            return
        self.written += 1
        self._named(done, entry)
        if done.old_dn is None:
            # Children that came first stand below the container until now.
            self._again(Kind.ORGANIZATION, self._database.read_blocking(lambda c: organizations.child_ids(c, [item.id])))
        # Its name is among the values of the users who belong to it.
        inside = self._database.read_blocking(lambda c: users.ids_directly_in(c, [item.id]))
        self._again(Kind.USER, self._writer.entry_ids(inside))

    # Users ------------------------------------------------------------------------------------------------------------

    def _users(self, items: Mapping[str, DirectoryObject | None]) -> None:
        present = [item for item in items.values() if isinstance(item, User)]
        placed = {organization_id for user in present for organization_id in user.organization_ids}
        names = {
            key: item.name
            for key, item in self._database.read_blocking(lambda c: organizations.get_many(c, placed)).items()
            if is_entry(item)
        }
        places = self._writer.entry_ids(names)
        known = self._writer.entry_ids([user.id for user in present])
        renamed: list[int] = []
        new: list[str] = []
        plain_keys = [self._projection.plain_key(Kind.USER, self._projection.name(Kind.USER, user)) for user in present]
        taken = self._writer.held(plain_keys)
        for user, plain in zip(present, plain_keys, strict=True):
            unique = plain not in taken or self._claims(Kind.USER, user, plain)
            entry = self._projection.user(user, [names[o] for o in user.organization_ids if o in names], unique)
            where = [places[o] for o in user.organization_ids if o in places]
            done = self._writer.put(entry, where, None if unique else plain, may_exist=user.id in known)
            taken.add(entry.dn_key)
            self.written += done.changed
            if done.old_dn is None:
                new.append(user.id)
            elif self._named(done, entry):
                renamed.append(done.entry_id)
        self._remove(items)
        self._listed(renamed, new)

    # Groups -----------------------------------------------------------------------------------------------------------

    def _groups(self, items: Mapping[str, DirectoryObject | None]) -> None:
        present = [item for item in items.values() if isinstance(item, Group)]
        renamed: list[int] = []
        new: list[str] = []
        members = self._database.read_blocking(lambda c: memberships.members_of(c, [group.id for group in present]))
        for group in present:
            done, entry = self._group(group, sorted(member.id for member in members.get(group.id, ())))
            if done.old_dn is None:
                new.append(group.id)
            elif self._named(done, entry):
                renamed.append(done.entry_id)
        self._remove(items)
        self._listed(renamed, new)

    def _group(self, group: Group, member_ids: Sequence[str]) -> tuple[Put, Entry]:
        places = self._writer.places(member_ids)
        listed = [places[member_id] for member_id in member_ids if member_id in places]
        names = [place[1].encode() for place in listed]
        logins = sorted(self._writer.logins(places)) if group.attributes.get("gid_number") else ()
        plain = self._projection.plain_key(Kind.GROUP, self._projection.name(Kind.GROUP, group))
        unique = self._claims(Kind.GROUP, group, plain)
        entry = self._projection.group(group, names, logins, unique)
        done = self._writer.put(entry, (), None if unique else plain)
        self._writer.set_members(done.entry_id, [place[0] for place in listed])
        self.written += done.changed
        return done, entry

    # What follows -----------------------------------------------------------------------------------------------------

    def _listed(self, renamed: Iterable[int], new: Sequence[str]) -> None:
        """Groups that list a renamed or a new entry show its DN."""
        affected = self._writer.groups_of(renamed)
        if new:
            found = self._database.read_blocking(lambda c: memberships.group_ids_of(c, new))
            # A group that has no entry yet will list them when it gets one.
            affected |= self._writer.entry_ids({group_id for group_ids in found.values() for group_id in group_ids}).keys()
        self._again(Kind.GROUP, affected)

    def _remove(self, items: Mapping[str, DirectoryObject | None]) -> None:
        for object_id, item in items.items():
            if item is not None:
                continue
            places = self._writer.entry_ids([object_id])
            affected = self._writer.groups_of(places.values())
            gone = self._writer.remove(object_id)
            if gone is not None:
                self.written += 1
                self._again(Kind.GROUP, affected - {object_id})
                self._freed(gone[1])

    def _named(self, done: Put, entry: Entry) -> bool:
        """Whether an entry is called otherwise than before, be it by the case of a letter: those below it follow, and another
        may take the DN that it had."""
        if done.old_dn == entry.dn and done.old_key == entry.dn_key:
            return False
        for kind, object_id in self._writer.children(done.entry_id):
            self._again(Kind(kind), [object_id])
        if done.old_key is not None and done.old_key != entry.dn_key:
            self._freed(done.old_key)
        return True

    def _freed(self, dn_key: str) -> None:
        for kind, object_id in self._writer.waiting_for(dn_key):
            self._again(Kind(kind), [object_id])

    def _claims(self, kind: Kind, item: DirectoryObject, plain_key: str) -> bool:
        """Whether the object may have the plain DN: the oldest that wants it does, whatever the order of writing."""
        holder_id = self._writer.holder(plain_key)
        if holder_id is None or holder_id == item.id:
            return True
        holder = self._loaded(kind, {holder_id: _LOAD})[holder_id]
        if holder is not None and (holder.created_at, holder.id) < (item.created_at, item.id):
            return False
        self._writer.step_aside(holder_id)
        self._again(kind, [holder_id])
        if holder is None:
            # It is about to be removed, and among those that wait for its name there may be an older one.
            self._freed(plain_key)
        return True
