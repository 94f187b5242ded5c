"""A directory that is written through the store's own functions, one change in one transaction, as the one door writes it."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.model.applications import Application, Scope
from gateway.model.changes import Change, ChangeType
from gateway.model.objects import (
    ROOT_ORGANIZATION_ID,
    Attributes,
    DirectoryObject,
    Group,
    Kind,
    Member,
    Organization,
    Origin,
    User,
)
from gateway.store.clients import access_tokens, applications
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.migrate import migrate
from gateway.store.log import changes
from gateway.store.objects import groups, memberships, organizations, passwords, users
from gateway.store.operations import source_state

SOURCE = "berlin"
BEGAN = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


def empty_store(path: Path) -> bytes:
    """Make an empty SQLite store at `path`; returns its bytes."""
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path.read_bytes()


def open_store(path: Path, content: bytes) -> Database:
    """Open a SQLite store at `path` with that content."""
    path.write_bytes(content)
    path.chmod(0o600)
    return Database(f"sqlite:///{path}")


class StoredDirectory:
    """Writes; every method is one transaction. Blocks, so not for the reactor's thread unless nothing else runs."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._numbers = itertools.count(1)
        database.write_blocking(lambda connection: source_state.ensure(connection, SOURCE, "ldap"))

    def application(self, name: str, scope: Scope | None = None, **rights: object) -> tuple[Application, str]:
        """A new application and its secret."""
        return self.database.write_blocking(
            lambda c: applications.add(c, name, now=BEGAN, scope=scope, **rights)  # type: ignore[arg-type]
        )

    def token(self, application: Application) -> str:
        """A token of the application."""
        return self.database.write_blocking(lambda c: access_tokens.issue(c, application.id, 1000, datetime.now(UTC)))

    def add_unit(self, name: str, parent_id: str = ROOT_ORGANIZATION_ID, attributes: Attributes | None = None) -> str:
        """A new organization."""
        unit = Organization(self._id("o"), name, parent_id, self._origin(name), *self._times(), attributes or {})

        def work(c: Connection) -> None:
            organizations.insert(c, [unit])
            self._log(c, ChangeType.CREATE, Kind.ORGANIZATION, unit.id, unit)

        self.database.write_blocking(work)
        return unit.id

    def move_unit(self, unit_id: str, parent_id: str) -> None:
        """Hang an organization below another."""

        def work(c: Connection) -> None:
            unit, before = organizations.get_many(c, [unit_id])[unit_id], organizations.ancestors(c, unit_id)
            moved = replace(unit, parent_id=parent_id)
            organizations.update(c, [moved])
            self._log(c, ChangeType.UPDATE, Kind.ORGANIZATION, unit_id, moved, before)

        self.database.write_blocking(work)

    def rename_unit(self, unit_id: str, name: str) -> None:
        """Give an organization another name."""

        def work(c: Connection) -> None:
            renamed = replace(organizations.get_many(c, [unit_id])[unit_id], name=name)
            organizations.update(c, [renamed])
            self._log(c, ChangeType.UPDATE, Kind.ORGANIZATION, unit_id, renamed)

        self.database.write_blocking(work)

    def delete_unit(self, unit_id: str) -> None:
        """Remove an organization; what is directly in it goes one up."""

        def work(c: Connection) -> None:
            before = organizations.ancestors(c, unit_id)
            for child_id in organizations.child_ids(c, [unit_id]):
                child_before = organizations.ancestors(c, child_id)
                child = replace(organizations.get_many(c, [child_id])[child_id], parent_id=before[0])
                organizations.update(c, [child])
                self._log(c, ChangeType.UPDATE, Kind.ORGANIZATION, child_id, child, child_before)
            for user in users.get_many(c, users.ids_directly_in(c, [unit_id])).values():
                places = tuple(dict.fromkeys(before[0] if p == unit_id else p for p in user.organization_ids))
                self._place(c, user, places)
            organizations.delete(c, [unit_id])
            self._log(c, ChangeType.DELETE, Kind.ORGANIZATION, unit_id, None, before)

        self.database.write_blocking(work)

    def add_user(self, username: str, *unit_ids: str, attributes: Attributes | None = None, enabled: bool = True) -> str:
        """A new user."""
        places = unit_ids or (ROOT_ORGANIZATION_ID,)
        origin = self._origin(username)
        user = User(self._id("u"), username, origin, *self._times(), enabled, attributes or {}, places)

        def work(c: Connection) -> None:
            users.insert(c, [user])
            self._log(c, ChangeType.CREATE, Kind.USER, user.id, user)

        self.database.write_blocking(work)
        return user.id

    def move_user(self, user_id: str, *unit_ids: str) -> None:
        """Put a user into other organizations."""
        self.database.write_blocking(lambda c: self._place(c, users.get_many(c, [user_id])[user_id], unit_ids))

    def rename_user(self, user_id: str, username: str) -> None:
        """Give a user another name."""

        def work(c: Connection) -> None:
            renamed = replace(users.get_many(c, [user_id])[user_id], username=username)
            users.update(c, [renamed], ())
            self._log(c, ChangeType.UPDATE, Kind.USER, user_id, renamed)

        self.database.write_blocking(work)

    def set_password(self, user_id: str) -> None:
        """Give a user a local password."""
        now = datetime.now(UTC)
        self.database.write_blocking(lambda c: passwords.set_local(c, user_id, "$argon2id$none", by="test", now=now))

    def delete_user(self, user_id: str) -> None:
        """Remove a user from the directory and from its groups."""

        def work(c: Connection) -> None:
            user, member = users.get_many(c, [user_id])[user_id], Member(Kind.USER, user_id)
            for group in groups.get_many(c, memberships.group_ids_of(c, [user_id]).get(user_id, set())).values():
                self._log(c, ChangeType.UPDATE, Kind.GROUP, group.id, group, removed=[member])
            memberships.remove_objects(c, [user_id])
            users.delete(c, [user_id])
            self._log(c, ChangeType.DELETE, Kind.USER, user_id, None, user.organization_ids)

        self.database.write_blocking(work)

    def add_group(self, name: str, *members: Member, attributes: Attributes | None = None) -> str:
        """A new group."""
        group = Group(self._id("g"), name, self._origin(name), *self._times(), attributes or {})

        def work(c: Connection) -> None:
            groups.insert(c, [group])
            memberships.add(c, SOURCE, [(group.id, member) for member in members])
            self._log(c, ChangeType.CREATE, Kind.GROUP, group.id, group, added=members)

        self.database.write_blocking(work)
        return group.id

    def change_members(self, group_id: str, added: Sequence[Member] = (), removed: Sequence[Member] = ()) -> None:
        """Put members into a group and take some out."""

        def work(c: Connection) -> None:
            memberships.add(c, SOURCE, [(group_id, member) for member in added])
            memberships.remove(c, SOURCE, [(group_id, member) for member in removed])
            self._log(c, ChangeType.UPDATE, Kind.GROUP, group_id, groups.get(c, group_id), added=added, removed=removed)

        self.database.write_blocking(work)

    def delete_group(self, group_id: str) -> None:
        """Remove a group."""

        def work(c: Connection) -> None:
            removed = memberships.members_of(c, [group_id]).get(group_id, [])
            memberships.remove_objects(c, [group_id])
            groups.delete(c, [group_id])
            self._log(c, ChangeType.DELETE, Kind.GROUP, group_id, None, removed=removed)

        self.database.write_blocking(work)

    def _place(self, c: Connection, user: User, unit_ids: tuple[str, ...]) -> None:
        moved = replace(user, organization_ids=unit_ids)
        users.update(c, [moved], [user.id])
        self._log(c, ChangeType.UPDATE, Kind.USER, user.id, moved, user.organization_ids)

    def _log(
        self,
        c: Connection,
        change_type: ChangeType,
        kind: Kind,
        object_id: str,
        state: DirectoryObject | None,
        before: tuple[str, ...] = (),
        *,
        added: Sequence[Member] = (),
        removed: Sequence[Member] = (),
    ) -> None:
        time = BEGAN + timedelta(seconds=next(self._numbers))
        change = Change(0, time, kind, object_id, change_type, SOURCE, state, before, tuple(added), tuple(removed))
        changes.append(c, [change])

    def _id(self, prefix: str) -> str:
        return f"{prefix}-{next(self._numbers):06}"

    def _times(self) -> tuple[datetime, datetime]:
        return BEGAN, BEGAN + timedelta(hours=1)

    def _origin(self, name: str) -> Origin:
        return Origin("ldap", SOURCE, f"ext-{name}")


def person(user_id: str) -> Member:
    """A user as a member."""
    return Member(Kind.USER, user_id)
