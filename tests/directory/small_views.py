"""Random small directories as view files, written without a store; and an oracle that computes a party's view of them the long
way."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from gateway.directory.access import Access
from gateway.directory.projection.entry_kinds import CONTAINER, PRIVATE_GROUP, private_group, private_group_owner
from gateway.directory.projection.index_keys import attribute_key, decoded
from gateway.directory.projection.projection import Projection
from gateway.directory.projection.view_definition import View
from gateway.directory.search.filter_evaluator import Evaluator
from gateway.directory.search.query import SUBORDINATE_SUBTREE
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.search.visible_rows import ROW, Row
from gateway.directory.view_file import view_file
from gateway.directory.view_file.csn import Moment, format_csn
from gateway.directory.view_file.entry_writer import ViewWriter
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.applications import Scope
from gateway.model.ldap import dn
from gateway.model.ldap.dn import DN
from gateway.model.objects import ROOT_ORGANIZATION_ID, Group, Organization, User
from gateway.wire import filters
from gateway.wire.messages import BASE_OBJECT, SINGLE_LEVEL, WHOLE_SUBTREE
from tests.directory.worlds import BASE, START, group, identifier, openldap_view, organization, user

WORDS = (
    "anna",
    "Anna B",
    "annabel  b",
    "ban",
    "Straße",
    "STRASSE",
    "佐藤 花子",
    "a,b+c",
    'q"x',
    "*",
    "é",
    "e\u0301",
    "ＡＮＮＡ",
    "-",
    "7",
)
NUMBERS = ("0", "7", "-7", "10", "70", "abc")

EMAILS = ("anna", "Anna B", "é", b"\xff")
PHONES = ("+1 5-0", "15 0", "150", "-")
PHOTOS = (b"", b"\xff", b"\xff" * 2000, b"anna")
READABLE = ("cn", "uid", "mail", "member", "memberof", "memberuid", "name", "jpegphoto", "telephonenumber", "description")


@dataclass(frozen=True)
class Directory:
    """The objects; `members` by group: places in `users` + `groups`."""

    organizations: list[Organization]
    users: list[User]
    groups: list[Group]
    members: list[set[int]]


def random_directory(random: Random) -> Directory:
    """A few of everything, with values that match each other in all the ways there are."""
    units: list[Organization] = []
    for number in range(random.randrange(5)):
        parent = random.choice([ROOT_ORGANIZATION_ID, *(unit.id for unit in units)])
        units.append(organization(100 + number, f"{random.choice(WORDS)} {number}", parent))
    places = [ROOT_ORGANIZATION_ID, *(unit.id for unit in units)]
    people = [_person(random, number, places) for number in range(random.randrange(7))]
    kinds: tuple[dict[str, list[str]], ...] = ({}, {"gid_number": ["7"]}, {"description": ["anna"]})
    groups = [
        group(200 + number, f"{random.choice(WORDS)} {number}", **random.choice(kinds)) for number in range(random.randrange(7))
    ]
    candidates = range(len(people) + len(groups))
    members = [set(random.choices(candidates, k=random.randrange(5))) for _ in groups]
    return Directory(units, people, groups, members)


def _person(random: Random, number: int, places: Sequence[str]) -> User:
    def some(values: Sequence[str | bytes], most: int = 1) -> list[str | bytes]:
        return random.sample(values, random.randrange(most + 1))

    inside = random.sample(places, min(len(places), random.randrange(3)))
    return user(
        number,
        f"{random.choice(WORDS)}{number}",
        inside,
        common_name=some(WORDS, 2),
        family_name=some(WORDS),
        email=some(EMAILS, 2),
        phone_number=some(PHONES, 2),
        uid_number=(numbers := some(NUMBERS)),
        gid_number=random.choice((numbers, some(NUMBERS))),
        home_directory=some(("/home/a", "/HOME/a")),
        description=some(WORDS, 2),
        photo=some(PHOTOS),
        certificate=some((b"\x30\x03abc",)),
    )


def random_access(random: Random, directory: Directory) -> Access:
    """Any narrowing: organizations and groups in scope, a person alone, attributes."""
    readable = random.choice((None, None, frozenset(random.sample(READABLE, random.randrange(6)))))
    if random.random() < 0.25:
        person = random.choice([identifier(998), *(one.id for one in directory.users)])
        return Access(None, frozenset({person}), readable, own=random.random() < 0.6)
    unit_ids = [ROOT_ORGANIZATION_ID, *(unit.id for unit in directory.organizations)]
    group_ids = [identifier(999), *(one.id for one in directory.groups)]
    groups = random.choice((None, tuple(random.sample(group_ids, random.randrange(len(group_ids) + 1)))))
    return Access(Scope(tuple(random.sample(unit_ids, min(len(unit_ids), random.randrange(3)))), groups), attributes=readable)


@contextmanager
def written(
    directory: Directory, view: View | None = None, *, counted: bool = True, transitive: bool = False
) -> Iterator[ViewReader]:
    """A reader of a new view file that holds the directory."""
    with tempfile.TemporaryDirectory() as folder:
        file = ViewFile(Path(folder), replace(view or openldap_view(), transitive_member_of=transitive))
        connection = file.open_writer()
        with view_file.transaction(connection):
            writer = ViewWriter(connection, file.view)
            _write(writer, Projection(file.view), directory)
            if counted:
                writer.finish(1)
                writer.index.analyze()
            writer.finish(1)
        reader = ViewReader(file)
        yield reader
        reader.close()
        connection.close()


def _write(writer: ViewWriter, projection: Projection, directory: Directory) -> None:
    for container in projection.containers(START):
        writer.put(container)
    for unit in directory.organizations:
        place = writer.entries.places([unit.parent_id or ""]).get(unit.parent_id or "")
        writer.put(projection.organization(unit, place[1:] if place else None))
    names = {unit.id: unit.name for unit in directory.organizations}
    places = writer.entries.places(names)
    for person in directory.users:
        inside = [one for one in person.organization_ids if one in names]
        parent = places[inside[0]][1:] if inside and projection.view.layout == "tree" else None
        where = [places[one][0] for one in inside]
        entry = projection.user(person, [names[one] for one in inside], True, parent)
        if writer.entries.taken([entry.dn_key]):
            entry = projection.user(person, [names[one] for one in inside], False, parent)
        writer.put(entry, where)
        own = private_group(person) if projection.view.private_groups else None
        if own is not None:
            writer.put(projection.private_group(own), where)
    for one in directory.groups:
        writer.put(projection.group(one, (), ()))
    ids_of_members = [*(one.id for one in directory.users), *(one.id for one in directory.groups)]
    for one, numbers in zip(directory.groups, directory.members, strict=True):
        members = writer.entries.places([ids_of_members[number] for number in sorted(numbers)])
        logins = sorted(writer.entries.logins(members)) if projection.lists_logins(one) else ()
        done = writer.put(projection.group(one, [place[1].encode() for place in members.values()], logins))
        writer.set_members(done.entry_id, [place[0] for place in members.values()])


class Oracle:
    """The oracle: the visible entries and values by evaluating everything: the directory, the rows of its view, and one
    access."""

    def __init__(self, directory: Directory, rows: Sequence[Row], access: Access, *, transitive: bool = False) -> None:
        self.rows = rows
        self._own: set[str] = set()
        self._transitive = transitive
        self._directory = directory
        self._access = access
        self.readable = access.attributes
        self._evaluator = Evaluator(access.attributes)
        self._members = {row[6]: set(dict(decoded(row[4], b"")).get("member", ())) for row in rows if row[1] == "group"}
        self._own = set(access.only if access.own else ())
        self._own |= {one for person in self._own for one in self._around(person)}
        self._shown = {row[6].encode(): row[2] for row in rows if self.shows(row)}
        people = [dict(decoded(row[4], b"")) for row in rows if row[1] == "user" and self.shows(row)]
        self._logins = {login for person in people for login in person.get("uid", ())[:1]}
        alone = access.scope is None
        below = [row for row in rows if not alone or self.shows(row)]
        containers = {dn.key(row[6]) for row in rows if row[1] == CONTAINER}
        self._parents = {dn.parent_key(dn.key(row[6])) for row in below}
        self._parents |= containers & {dn.parent_key(dn.key(row[6])) for row in rows}

    def found(self, base: str, scope: int, item: filters.Filter) -> set[str]:
        """The DNs of the entries that a search gives."""
        inside = [row for row in self.rows if _in_scope(row, base, scope) and self.shows(row)]
        return {row[6] for row in inside if self._evaluator.matches(item, self.values(row), DN.parse(row[6]), self.groups_of)}

    def groups_of(self, key: str) -> set[str]:
        """The DN keys of the groups from which a way leads down to the entry, which is visible as every group on it."""
        keys = {dn.key(row[6]): row[6] for row in self.rows if self.shows(row)}
        return {dn.key(name) for name in self._above(keys[key], set())} if key in keys else set()

    def _above(self, name: str, found: set[str]) -> set[str]:
        for group_name in self._listing(name) - found:
            found.add(group_name)
            self._above(group_name, found)
        return found

    def _listing(self, name: str) -> set[str]:
        """The groups that list an entry, as far as they may be known of."""
        is_person = self._access.scope is None
        listing = {one for one, members in self._members.items() if name.encode() in members}
        return {one for one in listing if is_person or one.encode() in self._shown}

    def shows(self, row: Row) -> bool:
        _, kind, object_id, *_ = row
        scope = self._access.scope
        if kind == CONTAINER:
            return True
        if kind == PRIVATE_GROUP:
            object_id = private_group_owner(object_id)
        if scope is None:
            return object_id in self._access.only | self._own
        if kind == "group":
            return scope.group_ids is None or object_id in scope.group_ids
        if ROOT_ORGANIZATION_ID in scope.organization_ids:
            return True
        person = next((one for one in self._directory.users if one.id == object_id), None)
        starts = person.organization_ids if person else (object_id,)
        return any(above in scope.organization_ids for start in starts for above in self._path(start))

    def _around(self, person_id: str) -> Iterator[str]:
        """The groups and organizations that a person is in."""
        ids = {row[6]: row[2] for row in self.rows}
        name = next((name for name, object_id in ids.items() if object_id == person_id), None)
        if name is None:
            return
        yield from (ids[group] for group in self._above(name, set()))
        person = next((one for one in self._directory.users if one.id == person_id), None)
        for start in person.organization_ids if person else ():
            yield from self._path(start)

    def _path(self, organization_id: str) -> Iterator[str]:
        parents = {unit.id: unit.parent_id for unit in self._directory.organizations}
        current: str | None = organization_id
        while current is not None:
            yield current
            current = parents.get(current)

    def values(self, row: Row) -> dict[str, list[bytes]]:
        """All attributes of an entry as they may be seen, memberOf and hasSubordinates included."""
        values: dict[str, list[bytes]] = {}
        for description, given in decoded(row[4], row[5]):
            values.setdefault(attribute_key(description), []).extend(given)
        if row[1] == "group":
            values["member"] = [value for value in values.get("member", ()) if value in self._shown]
            unique = [value for value in values.pop("uniquemember", ()) if value in self._shown]
            values.update({"uniquemember": unique} if unique else {})
            values["memberuid"] = [value for value in values.get("memberuid", ()) if value in self._logins]
        above = self._above(row[6], set()) if self._transitive else self._listing(row[6])
        values["memberof"] = [name.encode() for name in above]
        values["entrycsn"] = [format_csn(Moment(0, 0)).encode()]
        values["hassubordinates"] = [b"TRUE" if dn.key(row[6]) in self._parents else b"FALSE"]
        return values


def all_rows(reader: ViewReader) -> list[Row]:
    return reader.execute(f"SELECT {ROW} FROM entry e").fetchall()


def _in_scope(row: Row, base: str, scope: int) -> bool:
    key, base_key = dn.key(row[6]), dn.key(base)
    if scope == BASE_OBJECT:
        return key == base_key
    if scope == SINGLE_LEVEL:
        return dn.parent_key(key) == base_key and key != base_key
    return key.startswith(base_key) and (scope == WHOLE_SUBTREE or key != base_key)


SCOPES = (BASE_OBJECT, SINGLE_LEVEL, WHOLE_SUBTREE, SUBORDINATE_SUBTREE)
CONTAINERS = (BASE, f"ou=people,{BASE}", f"ou=groups,{BASE}", f"ou=organizations,{BASE}")
