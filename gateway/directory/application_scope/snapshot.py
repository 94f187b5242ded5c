"""Snapshot: everything that an application sees, and the position from which the change feed goes on.

The position in the log is taken first, so whatever changes while the snapshot is read is reported by the feed again. Each chunk
is a transaction of its own, read only when the one before was taken: memory stays flat, and no transaction waits for a slow
client."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

from gateway.directory.application_scope.position import Position, start, with_history
from gateway.directory.application_scope.scoped_directory import ScopedDirectory, ScopedOrganization, ScopedUser
from gateway.model.applications import Application
from gateway.model.objects import Group, Member
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.store_threads import PAGE_SECONDS
from gateway.store.log import changes
from gateway.store.objects import groups, memberships, organizations, scoped_queries

OBJECTS_AT_ONCE = 500
"""Organizations or users in a chunk: as JSON some 400 KB, some 20 ms of a thread."""

GROUPS_AT_ONCE = 50
MEMBERS_AT_ONCE = 1_000
"""Members in an item; a larger group goes on in further items."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GroupMembers:
    """A group with its first members; `group` None: further members of `group_id`."""

    group_id: str
    group: Group | None
    members: tuple[Member, ...]


Item: TypeAlias = ScopedOrganization | ScopedUser | GroupMembers
Page: TypeAlias = tuple[Sequence[Item], str | None]
"""Some items, and the id behind which the next page begins; None at the end."""
ReadPage: TypeAlias = Callable[[ScopedDirectory, str], Page]


class Snapshot:
    """One run, made by `begin`. `position`: where the feed goes on; `organization_ids`: the scope, the same for all chunks."""

    def __init__(
        self,
        database: Database,
        application: Application,
        position: Position,
        order: Sequence[str],
        organization_ids: frozenset[str] | None,
        check: Callable[[Connection], None],
    ) -> None:
        self.position = position
        self._check = check
        self._database = database
        self._application = application
        self._order = order
        self._organization_ids = organization_ids

    @classmethod
    async def begin(cls, database: Database, application: Application, check: Callable[[Connection], None]) -> "Snapshot":
        """Take the position and the order of the organizations. `check`: called in each chunk's transaction, raises when the
        application's rights are not what they were. Raises StoreUnavailable."""

        def plan(connection: Connection) -> "Snapshot":
            directory = ScopedDirectory(connection, application)
            position = with_history(connection, start(application, changes.last(connection)))
            return cls(database, application, position, _parents_first(directory), directory.organization_ids, check)

        return await database.read(plan, PAGE_SECONDS)

    async def chunks(self, shape: Callable[[Sequence[Item]], T]) -> AsyncIterator[T]:
        """Yield the items in chunks: parents before children, then users, then groups with their members.

        `shape` makes the face's form of a chunk, in the thread that read it. Raises StoreUnavailable in the middle when the
        store goes away, and what `check` raises.
        """
        for first in range(0, len(self._order), OBJECTS_AT_ONCE):
            async for chunk in self._pages(partial(_organizations, self._order[first : first + OBJECTS_AT_ONCE]), shape):
                yield chunk
        async for chunk in self._pages(_users, shape):
            yield chunk
        unfinished: list[tuple[str, str]] = []
        async for chunk in self._pages(partial(_groups, unfinished), shape):
            yield chunk
            for group_id, member_after in tuple(unfinished):
                async for rest in self._pages(partial(_further_members, group_id), shape, member_after):
                    yield rest

    async def _pages(self, read: ReadPage, shape: Callable[[Sequence[Item]], T], after: str | None = "") -> AsyncIterator[T]:
        while after is not None:
            chunk, after = await self._database.read(partial(self._page, read, shape, after), PAGE_SECONDS)
            if chunk is not None:
                yield chunk

    def _page(
        self, read: ReadPage, shape: Callable[[Sequence[Item]], T], after: str, connection: Connection
    ) -> tuple[T | None, str | None]:
        self._check(connection)
        items, following = read(ScopedDirectory(connection, self._application, self._organization_ids), after)
        return shape(items) if items else None, following


def _parents_first(directory: ScopedDirectory) -> list[str]:
    order: list[str] = []
    level = [top.id for top in directory.top_organizations()]
    while level:
        order += level
        level = organizations.child_ids(directory.connection, level)
    return order


def _organizations(ids: Sequence[str], directory: ScopedDirectory, _: str) -> Page:
    found = organizations.get_many(directory.connection, ids)
    return [directory.scoped_organization(found[one]) for one in ids if one in found], None


def _users(directory: ScopedDirectory, after: str) -> Page:
    found = scoped_queries.users_in(directory.connection, directory.organization_ids, after, OBJECTS_AT_ONCE)
    return directory.scoped_users(found), found[-1].id if len(found) == OBJECTS_AT_ONCE else None


def _groups(unfinished: list[tuple[str, str]], directory: ScopedDirectory, after: str) -> Page:
    """Read some groups with their first members; sets `unfinished` to those that have more, with the last member read."""
    found = groups.page(directory.connection, "", directory.scope.group_ids, after, GROUPS_AT_ONCE)
    read = found if directory.shows_members else []
    members = {group.id: memberships.members(directory.connection, group.id, "", MEMBERS_AT_ONCE) for group in read}
    unfinished[:] = [(group_id, first[-1].id) for group_id, first in members.items() if len(first) == MEMBERS_AT_ONCE]
    items = [GroupMembers(group.id, group, tuple(directory.members(members.get(group.id, ())))) for group in found]
    return items, found[-1].id if len(found) == GROUPS_AT_ONCE else None


def _further_members(group_id: str, directory: ScopedDirectory, after: str) -> Page:
    members = memberships.members(directory.connection, group_id, after, MEMBERS_AT_ONCE)
    if not members:
        return [], None
    return [GroupMembers(group_id, None, tuple(directory.members(members)))], members[-1].id
