"""A small directory for tests: a real SQLite store, written the way the one door writes it, and a view of it."""

import atexit
import shutil
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from gateway.directory.materialization.log_applier import LogApplier
from gateway.directory.projection import view_kinds
from gateway.directory.projection.view_definition import View
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.changes import Change, ChangeType
from gateway.model.ldap.dn import DN
from gateway.model.objects import ROOT_ORGANIZATION_ID, DirectoryObject, Group, Kind, Member, Organization, Origin, User
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.migrate import migrate
from gateway.store.log import changes
from gateway.store.objects import groups, memberships, organizations, users
from gateway.store.operations import source_state

BASE = "dc=example,dc=test"
SOURCE = "hr"
START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)

_NOUNS: dict[Kind, Any] = {Kind.ORGANIZATION: organizations, Kind.USER: users, Kind.GROUP: groups}
_KINDS = {Organization: Kind.ORGANIZATION, User: Kind.USER, Group: Kind.GROUP}


def openldap_view(name: str = "main", base: str = BASE) -> View:
    return view_kinds.openldap(name, DN.parse(base))


def moment(number: int) -> datetime:
    return START + timedelta(minutes=number)


def identifier(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def user(number: int, username: str, organization_ids: Sequence[str] = (), **attributes: Iterable[str | bytes]) -> User:
    """A user who is older the smaller the number is."""
    return User(
        identifier(number),
        username,
        Origin("ldap", SOURCE, f"u{number}"),
        moment(number),
        moment(number),
        True,
        {name: tuple(values) for name, values in attributes.items()},
        tuple(organization_ids) or (ROOT_ORGANIZATION_ID,),
    )


def organization(number: int, name: str, parent_id: str = ROOT_ORGANIZATION_ID, **attributes: Iterable[str]) -> Organization:
    origin = Origin("ldap", SOURCE, f"o{number}")
    values = {key: tuple(given) for key, given in attributes.items()}
    return Organization(identifier(number), name, parent_id, origin, moment(number), moment(number), values)


def group(number: int, name: str, **attributes: Iterable[str]) -> Group:
    origin = Origin("ldap", SOURCE, f"g{number}")
    return Group(
        identifier(number),
        name,
        origin,
        moment(number),
        moment(number),
        {key: tuple(values) for key, values in attributes.items()},
    )


def kind_of(item: DirectoryObject) -> Kind:
    return _KINDS[type(item)]


@cache
def _empty_store() -> Path:
    """A migrated store, made once."""
    path = Path(tempfile.mkdtemp()) / "gateway.db"
    atexit.register(shutil.rmtree, path.parent)
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.write_blocking(lambda c: source_state.ensure(c, SOURCE, "ldap"))
    database.close()
    return path


class World:
    """A store in a folder. Each object is one transaction: it, and the changes that say so."""

    def __init__(self, folder: Path, *, fresh: bool = True, url: str = "") -> None:
        """Make one; with `url`, in that empty store."""
        self.folder = folder
        if fresh and not url:
            shutil.copy(_empty_store(), folder / "gateway.db")
        self.database = Database(url or f"sqlite:///{folder}/gateway.db")
        if url:
            migrate(self.database)
            self.database.write_blocking(lambda c: source_state.ensure(c, SOURCE, "ldap"))

    def close(self) -> None:
        self.database.close()

    def put(self, *items: DirectoryObject) -> None:
        """Creates or updates."""
        for item in items:
            self.database.write_blocking(partial(self._put, item=item))

    def _put(self, connection: Connection, item: DirectoryObject) -> None:
        noun = _NOUNS[kind_of(item)]
        known = noun.get(connection, item.id)
        if known is None:
            noun.insert(connection, [item])
        elif isinstance(item, User):
            users.update(connection, [item], {item.id})
        else:
            noun.update(connection, [item])
        self._log(connection, item, item.id, ChangeType.CREATE if known is None else ChangeType.UPDATE)

    def update_users(self, items: Sequence[User]) -> None:
        """Updates several users in one transaction; they may swap their names."""

        def work(connection: Connection) -> None:
            users.update(connection, items, {item.id for item in items})
            for item in items:
                self._log(connection, item, item.id, ChangeType.UPDATE)

        self.database.write_blocking(work)

    def delete(self, *items: DirectoryObject) -> None:
        """Removes objects and their memberships; the groups they were in say so."""
        for item in items:
            self.database.write_blocking(partial(self._delete, item=item))

    def _delete(self, connection: Connection, item: DirectoryObject) -> None:
        for group_id in memberships.group_ids_of(connection, [item.id]).get(item.id, ()):
            self._members(connection, group_id, removed=[Member(kind_of(item), item.id)])
        memberships.remove_objects(connection, [item.id])
        _NOUNS[kind_of(item)].delete(connection, [item.id])
        self._log(connection, None, item.id, ChangeType.DELETE, kind_of(item))

    def join(self, into: Group, *members: DirectoryObject) -> None:
        """Makes them members."""
        added = [Member(kind_of(member), member.id) for member in members]
        self.database.write_blocking(lambda c: self._members(c, into.id, added=added))

    def leave(self, group_: Group, *members: DirectoryObject) -> None:
        """Ends their membership."""
        removed = [Member(kind_of(member), member.id) for member in members]
        self.database.write_blocking(lambda c: self._members(c, group_.id, removed=removed))

    def _members(
        self, connection: Connection, group_id: str, *, added: Collection[Member] = (), removed: Collection[Member] = ()
    ) -> None:
        memberships.add(connection, SOURCE, [(group_id, member) for member in added])
        memberships.remove(connection, SOURCE, [(group_id, member) for member in removed])
        state = groups.get(connection, group_id)
        self._log(connection, state, group_id, ChangeType.UPDATE, Kind.GROUP)

    def _log(
        self, connection: Connection, item: DirectoryObject | None, object_id: str, type_: ChangeType, kind: Kind | None = None
    ) -> None:
        change = Change(0, START, kind or kind_of(item), object_id, type_, SOURCE, item)  # type: ignore[arg-type]
        changes.append(connection, [replace(change)])

    def log(self, after: int = 0, limit: int = 10_000) -> list[Change]:
        return self.database.read_blocking(lambda c: changes.after(c, after, limit))

    def build(self, view: View, folder: str = "built") -> LogApplier:
        """A view built from the present state."""
        updater = self.updater(view, folder)
        updater.build()
        return updater

    def updater(self, view: View, folder: str) -> LogApplier:
        (self.folder / folder).mkdir(exist_ok=True)
        return LogApplier(ViewFile(self.folder / folder, view), self.database)


def contents(updater: LogApplier) -> dict[str, Any]:
    """All that a view file says, with object ids in place of its own numbers: two files that say the same are equal."""
    execute = updater.connection.execute
    ids = {0: "", **dict(execute("SELECT id, object_id FROM entry").fetchall())}
    entries = {
        ids[row[0]]: (*row[1:7], ids[row[7]], [ids[int(number)] for number in row[8].split(",") if number])
        for row in execute("SELECT id, kind, dn, dn_key, plain_key, encoded, operational, parent, organizations FROM entry")
    }
    keys = dict(execute("SELECT id, key FROM attribute").fetchall())
    return {
        "position": updater.position,
        "entries": entries,
        "values": {(keys[key], value, ids[entry]) for key, value, entry in execute("SELECT * FROM value")},
        "members": {(ids[one], ids[other]) for one, other in execute("SELECT * FROM member")},
        "fragments": {table: words(updater, table, ids) for (table,) in execute(_TRIGRAM_INDEXES).fetchall()},
    }


_TRIGRAM_INDEXES = "SELECT name FROM sqlite_master WHERE name LIKE 'fragment%' AND sql LIKE 'CREATE VIRTUAL TABLE%'"


def words(updater: LogApplier, table: str, ids: Mapping[int, str]) -> list[tuple[str, str, int]]:
    """Return the rows of a trigram index: trigram, object id, place."""
    execute, seen = updater.connection.execute, f'temp."seen_{table}"'
    execute(f"CREATE VIRTUAL TABLE IF NOT EXISTS {seen} USING fts5vocab(main, '{table}', instance)")
    return sorted((word, ids[entry], place) for word, entry, _, place in execute(f"SELECT * FROM {seen}"))
