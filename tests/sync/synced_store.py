"""A store filled through the door, and short functions for deltas: the vocabulary of the door's tests."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from gateway.model.changes import Change, ChangeType
from gateway.model.deltas import MEMBERS, Batch, Delta, DeltaType, Watermark
from gateway.model.ldap import dn
from gateway.model.objects import ROOT_ORGANIZATION_ID, DirectoryObject, Group, Kind, Member, Organization, User
from gateway.model.records import Reference, ReferenceForm
from gateway.store.engine.database import Connection, Database
from gateway.store.engine.migrate import migrate
from gateway.store.log import changes
from gateway.store.objects import groups, memberships, organizations, users
from gateway.sync.backfill import correlation_keys
from gateway.sync.deletion_guard import Guard
from gateway.sync.inbound import Applied, Inbound, InboundSettings
from gateway.sync.rules import correlation_syntax
from gateway.sync.rules.authority import NO_RULES, Authority
from gateway.sync.rules.correlation import Correlation, KindRules, Reaction

BASE = "dc=example,dc=test"
EVERYTHING = frozenset(Kind)


def person(name: str, below: str = "", *, external_id: str = "", **attributes: Any) -> Delta:
    """`uid=name` below the RDNs `below`, with attributes as tuples or single strings."""
    values = {key: (value,) if isinstance(value, str) else value for key, value in attributes.items()}
    spelled = ",".join(filter(None, (f"uid={name}", below, BASE)))
    return Delta(DeltaType.UPSERT, Kind.USER, external_id or f"u:{name}", spelled, {"username": (name,), **values})


def unit(name: str, below: str = "", *, external_id: str = "", **attributes: Any) -> Delta:
    """`ou=name` below the RDNs `below`."""
    spelled = ",".join(filter(None, (f"ou={name}", below, BASE)))
    return Delta(DeltaType.UPSERT, Kind.ORGANIZATION, external_id or f"o:{name}", spelled, {"name": (name,), **attributes})


def group(name: str, *members: str, logins: Iterable[str] = (), external_id: str = "") -> Delta:
    """`cn=name` with members by RDNs below the base (`uid=a,ou=b`) and by login."""
    pointing = [Reference(ReferenceForm.DN, dn.key(f"{member},{BASE}")) for member in members]
    pointing += [Reference(ReferenceForm.LOGIN, login) for login in logins]
    spelled = f"cn={name},{BASE}"
    return Delta(
        DeltaType.UPSERT, Kind.GROUP, external_id or f"g:{name}", spelled, {"name": (name,)}, {MEMBERS: tuple(pointing)}
    )


def gone(kind: Kind, external_id: str) -> Delta:
    return Delta(DeltaType.DELETE, kind, external_id)


def present(delta: Delta) -> Delta:
    return Delta(DeltaType.PRESENT, delta.kind, delta.external_id)


@dataclass(frozen=True)
class Directory:
    """Everything the directory holds but leavers, with names in place of ids and without times."""

    users: Mapping[str, tuple[str, ...]]
    """Login name → the paths of its organizations."""
    organizations: frozenset[str]
    members: Mapping[str, frozenset[str]]
    attributes: Mapping[str, Mapping[str, tuple[str | bytes, ...]]]


@dataclass
class Store:
    """One store, one clock, doors for sources."""

    database: Database
    time: datetime = datetime(2099, 11, 23, 12, 0, tzinfo=UTC)
    settings: InboundSettings = field(default_factory=InboundSettings)
    rules: dict[str, Correlation] = field(default_factory=dict)
    """By source; see `correlate`."""
    authority: Authority = NO_RULES
    deleted: Reaction | None = None
    """The reaction to the end of an object's last record, at every source."""
    rejoins_by_username: bool = False
    """At every source."""

    def correlate(self, source_id: str, *rules: str, kind: Kind = Kind.USER, **reactions: Any) -> None:
        """Let the source's records find their objects by these rules."""
        parsed = tuple(correlation_syntax.parse(text) for text in rules)
        self.rules[source_id] = {**self.rules.get(source_id, {}), kind: KindRules(parsed, **reactions)}
        correlation_keys.fill(self.database.write_blocking, correlation_syntax.names(self.rules.values()))

    def door(self, source_id: str = "hr", settings: InboundSettings | None = None) -> Inbound:
        correlation = self.rules.get(source_id, {})
        if self.deleted is not None:
            correlation = {kind: replace(correlation.get(kind, KindRules()), deleted=self.deleted) for kind in Kind}
        if self.rejoins_by_username:
            correlation = {**correlation, Kind.USER: replace(correlation.get(Kind.USER, KindRules()), rejoins_by_username=True)}
        settings = settings or replace(self.settings, correlation=correlation)
        return Inbound(source_id, "ldap", settings, lambda: self.time, authority=self.authority)

    def apply(
        self, *deltas: Delta, source: str = "hr", allow_deletions: bool = False, watermark: bytes | None = None, **batch: Any
    ) -> Applied:
        """One batch, a second after the last one."""
        self.time += timedelta(seconds=1)
        mark = None if watermark is None else Watermark(watermark)
        whole = Batch(deltas, mark, **batch)
        door = self.door(source)
        return self.database.write_blocking(lambda c: door.apply(c, whole, allow_deletions=allow_deletions))

    def compare(self, *deltas: Delta, kinds: frozenset[Kind] = EVERYTHING, **rest: Any) -> Applied:
        """A reconciliation in one batch."""
        return self.apply(*deltas, begins=kinds, completes=kinds, **rest)

    def log(self, after: int = 1) -> list[Change]:
        """The changes after the root's."""
        return self.database.read_blocking(lambda c: changes.after(c, after, 1_000_000))

    def last(self) -> int:
        return self.database.read_blocking(changes.last)

    def user(self, name: str) -> User:
        def find(connection: Connection) -> User | None:
            return users.get(connection, users.id_by_username(connection, name) or "")

        found = self.database.read_blocking(find)
        assert found is not None, f"no user {name}"
        return found

    def names(self) -> set[str]:
        return set(self.directory().users)

    def leavers(self) -> set[str]:
        """The login names of those who are gone and not deleted yet."""
        everybody = self.database.read_blocking(lambda c: users.iterate(c, "", 1_000_000))
        assert not any(user.enabled for user in everybody if user.gone_at is not None)
        return {user.username for user in everybody if user.gone_at is not None}

    def directory(self) -> Directory:
        return self.database.read_blocking(lambda c: _shown(*_stored(c)))

    def replayed(self) -> Directory:
        """The directory that folding the log from zero gives (the laws say: the same)."""
        objects: dict[str, DirectoryObject] = {}
        members: dict[str, set[Member]] = {}
        for change in self.log(0):
            if change.type is ChangeType.CREATE:
                assert change.object_id not in objects, "created twice"
            else:
                assert change.object_id in objects, "changed before it was created"
            if change.object is None:
                del objects[change.object_id]
                members.pop(change.object_id, None)
            else:
                objects[change.object_id] = change.object
            _fold_members(change, members)
        return _shown(objects, members)

    def path(self, user: User) -> str:
        return self.directory().users[user.username][0]


def _fold_members(change: Change, members: dict[str, set[Member]]) -> None:
    if change.kind is not Kind.GROUP or change.object is None:
        return
    held = members.setdefault(change.object_id, set())
    assert not held & set(change.added_members), "added who is a member already"
    assert set(change.removed_members) <= held, "removed who is no member"
    held |= set(change.added_members)
    held -= set(change.removed_members)


def _stored(connection: Connection) -> tuple[dict[str, DirectoryObject], dict[str, set[Member]]]:
    objects: dict[str, DirectoryObject] = {}
    for iterate in (organizations.iterate, users.iterate, groups.iterate):
        objects |= {thing.id: thing for thing in iterate(connection, "", 1_000_000)}
    held = memberships.members_of(connection, [thing.id for thing in objects.values() if isinstance(thing, Group)])
    return objects, {group_id: set(found) for group_id, found in held.items()}


def _shown(objects: Mapping[str, DirectoryObject], members: Mapping[str, set[Member]]) -> Directory:
    def path(identifier: str) -> str:
        if identifier == ROOT_ORGANIZATION_ID:
            return "/"
        organization = objects[identifier]
        assert isinstance(organization, Organization)
        assert organization.parent_id is not None
        return f"{path(organization.parent_id)}{organization.name}/"

    def name(identifier: str) -> str:
        thing = objects[identifier]
        return thing.username if isinstance(thing, User) else thing.name

    objects = {key: thing for key, thing in objects.items() if not isinstance(thing, User) or thing.gone_at is None}
    people = [thing for thing in objects.values() if isinstance(thing, User)]
    groups = [thing for thing in objects.values() if isinstance(thing, Group)]
    return Directory(
        {user.username: tuple(path(identifier) for identifier in user.organization_ids) for user in people},
        frozenset(path(thing.id) for thing in objects.values() if isinstance(thing, Organization)),
        {group.name: frozenset(name(member.id) for member in members.get(group.id, ())) for group in groups},
        {name(identifier): dict(thing.attributes) for identifier, thing in objects.items()},
    )


def renamed(delta: Delta, name: str) -> Delta:
    """The same record with another login name, under another DN."""
    spelled = f"uid={name},{delta.dn.partition(',')[2]}"
    return replace(delta, dn=spelled, attributes={**delta.attributes, "username": (name,)})


UNGUARDED = InboundSettings(guard=Guard(users=10**6, organizations=10**6, groups=10**6))


@cache
def _empty_store() -> Path:
    path = Path(tempfile.mkdtemp(prefix="laws-")) / "empty.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@contextmanager
def fresh_store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory(prefix="laws-") as folder:
        path = Path(folder) / "gateway.db"
        shutil.copy(_empty_store(), path)
        database = Database(f"sqlite:///{path}")
        try:
            yield Store(database, settings=UNGUARDED)
        finally:
            database.close()
