"""A reader of the change feed as an application would write it: it upserts what is reported, and ends with what it may see."""

from dataclasses import dataclass, field

from gateway.directory.application_scope.change_feed import FeedPage, Item
from gateway.directory.application_scope.position import Position, start
from gateway.directory.application_scope.scoped_directory import ScopedDirectory, ScopedOrganization, ScopedUser
from gateway.directory.application_scope.snapshot import GroupMembers
from gateway.directory.application_scope.snapshot import Item as SnapshotItem
from gateway.frontends.developer.records.json_records import Projector
from gateway.model.applications import Application
from gateway.model.changes import ChangeType
from gateway.model.objects import Group, User
from gateway.store.engine.database import Connection, Database
from gateway.store.objects import groups, memberships, organizations, scoped_queries

PROJECTOR = Projector("instance", lambda _: True)


@dataclass
class Copy:
    """A reader's copy: the objects by id, and the ids of each group's members."""

    objects: dict[str, ScopedUser | ScopedOrganization | Group] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)

    def put_snapshot(self, item: SnapshotItem) -> None:
        """Take over one item of a snapshot."""
        if isinstance(item, ScopedUser):
            self.objects[item.user.id] = item
        elif isinstance(item, ScopedOrganization):
            self.objects[item.organization.id] = item
        else:
            self._put_members(item)

    def _put_members(self, item: GroupMembers) -> None:
        if item.group is not None:
            self.objects[item.group_id] = item.group
        self.members.setdefault(item.group_id, set()).update(member.id for member in item.members)

    def put(self, item: Item) -> None:
        """Upsert or delete one item of the feed."""
        if item.type is ChangeType.DELETE:
            assert item.object is None
            self._delete(item.id)
            return
        assert item.object is not None
        self.objects[item.id] = item.object
        if isinstance(item.object, Group):
            members = self.members.setdefault(item.id, set())
            members |= {member.id for member in item.added_members}
            members -= {member.id for member in item.removed_members}
        elif isinstance(item.object, ScopedUser):
            self._join(item.object)

    def _delete(self, object_id: str) -> None:
        self.objects.pop(object_id, None)
        self.members.pop(object_id, None)
        for members in self.members.values():
            members.discard(object_id)

    def _join(self, user: ScopedUser) -> None:
        """Follow what the user's record says of its groups."""
        within = {group.id for group in user.groups or ()}
        for group_id, members in self.members.items():
            (members.add if group_id in within else members.discard)(user.user.id)

    def comparable(self) -> dict[str, tuple[object, ...]]:
        """Return the copy as the feed's records show it, and the members of groups."""
        return {object_id: self._comparable(object_id) for object_id in self.objects}

    def _comparable(self, object_id: str) -> tuple[object, ...]:
        found = self.objects[object_id]
        if isinstance(found, ScopedUser):
            return (PROJECTOR.followed_user(found),)
        if isinstance(found, ScopedOrganization):
            return (PROJECTOR.unit(found),)
        return (PROJECTOR.group(found), self.members.get(object_id, set()))


class Reader:
    """Follows the feed page by page."""

    def __init__(self, database: Database, application: Application, position: Position | None = None) -> None:
        self.database = database
        self.application = application
        self.position = position or start(application)
        self.copy = Copy()
        self.reported: list[Item] = []

    def read(self, limit: int) -> bool:
        """Read one page; returns True when there is more."""

        def work(connection: Connection) -> tuple[list[Item], Position, bool]:
            page = FeedPage(ScopedDirectory(connection, self.application), self.position, limit)
            page.fill()
            assert len(page.items) <= limit
            return page.items, page.position, page.more

        items, self.position, more = self.database.read_blocking(work)
        for item in items:
            self.reported.append(item)
            self.copy.put(item)
        return more

    def read_all(self, limit: int = 100) -> None:
        """Read every page there is."""
        while self.read(limit):
            pass


def present(database: Database, application: Application) -> Copy:
    """Return what the application sees now, read straight from the store."""

    def work(connection: Connection) -> Copy:
        directory, copy = ScopedDirectory(connection, application), Copy()
        found = scoped_queries.users_in(connection, directory.organization_ids, "", 10_000)
        copy.objects |= {user.user.id: user for user in directory.scoped_users(found)}
        for unit in organizations.iterate(connection, "", 10_000):
            if directory.has_organization(unit.id):
                copy.objects[unit.id] = directory.scoped_organization(unit)
        for group in groups.page(connection, "", directory.scope.group_ids, "", 10_000):
            copy.objects[group.id] = group
            members = directory.members(memberships.members(connection, group.id, "", 10_000))
            copy.members[group.id] = {member.id for member in members}
        return copy

    return database.read_blocking(work)


def user_of(item: Item) -> User:
    """Return the user that an item reports."""
    assert isinstance(item.object, ScopedUser)
    return item.object.user
