"""The directory that these tests search: four people with every attribute, nested groups, a tree of units, and a crowd whose
entries are large enough to fill a socket. Written through the store's own functions."""

from datetime import UTC, datetime
from uuid import NAMESPACE_OID, uuid5

from gateway.model.changes import Change, ChangeType
from gateway.model.ldap.dn import DN
from gateway.model.objects import ROOT_ORGANIZATION_ID, Attributes, Group, Kind, Member, Organization, Origin, User
from gateway.model.records import Situation
from gateway.store.engine.database import Connection, Database
from gateway.store.log import changes
from gateway.store.objects import groups, memberships, organizations, users
from gateway.store.operations import source_state
from gateway.store.records import record_rows
from gateway.store.records.record_rows import RecordRow

BASE = "dc=example,dc=test"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
UNITS = f"ou=organizations,{BASE}"
ANN, BOB, DAVE = f"uid=ann,{PEOPLE}", f"uid=bob,{PEOPLE}", f"uid=dave,{PEOPLE}"
STAFF, ALL = f"cn=staff,{GROUPS}", f"cn=all,{GROUPS}"
SALES, TEAM = f"ou=Sales,{UNITS}", f"ou=Team,ou=Sales,{UNITS}"

SOURCE = "berlin"
BEGAN = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
PHOTO = b"\xff\xd8\xff\xe0" + bytes(range(256))
CROWD = 2000
CROWD_PHOTO = bytes(4096)

_POSIX: Attributes = {
    "uid_number": ("10001",),
    "gid_number": ("500",),
    "home_directory": ("/home/ann",),
    "login_shell": ("/bin/zsh",),
    "gecos": ("Ann Mueller",),
}
_PEOPLE: dict[str, tuple[tuple[str, ...], Attributes]] = {
    "ann": (
        ("Sales", "IT"),
        {
            "common_name": ("Ann Müller", "Ann M."),
            "family_name": ("Müller",),
            "given_name": ("Ann",),
            "display_name": ("Ann Müller",),
            "email": ("Ann@example.test", "ann.mueller@example.test"),
            "phone_number": ("+49 30 1234-5",),
            "title": ("Engineer",),
            "employee_number": ("17",),
            "department": ("D1", "D2"),
            "description": ("a (strange) * value \\ here",),
            "photo": (PHOTO,),
            "certificate": (b"\x30\x03\x02\x01\x05",),
            "ssh_public_key": ("ssh-ed25519 AAAA",),
            **_POSIX,
        },
    ),
    "bob": (
        ("Team",),
        {"common_name": ("Bob B.",), "family_name": ("B.",), "email": ("bob@example.test",), "title": ("engineer",)},
    ),
    "dave, o'c": (("IT",), {"common_name": ("Dave",), "family_name": ("O'C",), "email": ("dave@example.test",)}),
    "dave": ((), {"common_name": ("Dave D.",), "family_name": ("D.",), **_POSIX, "uid_number": ("10002",), "gecos": ("Dave",)}),
}
_UNITS = (("Sales", None), ("IT", None), ("Team", "Sales"), ("Crowd", None))


def object_id(name: str) -> str:
    """The id, and entryUUID, of what has this name here."""
    return str(uuid5(NAMESPACE_OID, name))


def upstream_dn(username: str) -> str:
    """Return the name by which the source knows a person."""
    return f"uid={username},ou=users,dc=berlin"


def fill(connection: Connection) -> None:
    """Writes it all into an empty store."""
    source_state.ensure(connection, SOURCE, "ldap")
    organizations.insert(connection, [_unit(name, parent) for name, parent in _UNITS])
    users.insert(connection, [_user(name, places, attributes) for name, (places, attributes) in _PEOPLE.items()])
    crowd = [_user(f"crowd{n:04d}", ("Crowd",), _crowd_attributes(n)) for n in range(CROWD)]
    users.insert(connection, crowd)
    groups.insert(connection, [_group("staff", {"gid_number": ("500",), "description": ("All of us",)}), _group("all", {})])
    groups.insert(connection, [_group("empty", {})])
    people = [(object_id("staff"), Member(Kind.USER, object_id(name))) for name in ("ann", "bob")]
    memberships.add(connection, SOURCE, [*people, (object_id("all"), Member(Kind.GROUP, object_id("staff")))])
    record_rows.insert(connection, [_account(number, name) for number, name in enumerate(("ann", "bob"), 1)])


def hire(database: Database, username: str) -> None:
    """One more person, as the one door would write it."""
    user = _user(username, (), {"common_name": (username,), "family_name": (username,)})
    change = Change(0, BEGAN, Kind.USER, user.id, ChangeType.CREATE, SOURCE, user)

    def work(connection: Connection) -> None:
        users.insert(connection, [user])
        changes.append(connection, [change])

    database.write_blocking(work)


def dismiss(database: Database, username: str) -> None:
    """The person is gone."""
    gone = object_id(username)
    change = Change(0, BEGAN, Kind.USER, gone, ChangeType.DELETE, SOURCE, None)

    def work(connection: Connection) -> None:
        users.delete(connection, [gone])
        changes.append(connection, [change])

    database.write_blocking(work)


def _crowd_attributes(number: int) -> Attributes:
    return {
        "common_name": (f"Crowd {number:04d}",),
        "family_name": ("Crowd",),
        "employee_number": (f"{number}",),
        "photo": (CROWD_PHOTO,),
    }


def _user(username: str, places: tuple[str, ...], attributes: Attributes) -> User:
    within = tuple(map(object_id, places)) or (ROOT_ORGANIZATION_ID,)
    return User(object_id(username), username, Origin("ldap", SOURCE, username), BEGAN, BEGAN, True, attributes, within)


def _unit(name: str, parent: str | None) -> Organization:
    above = object_id(parent) if parent else ROOT_ORGANIZATION_ID
    return Organization(object_id(name), name, above, Origin("ldap", SOURCE, name), BEGAN, BEGAN, {"locality": ("Berlin",)})


def _group(name: str, attributes: Attributes) -> Group:
    return Group(object_id(name), name, Origin("ldap", SOURCE, name), BEGAN, BEGAN, attributes)


def _account(number: int, username: str) -> RecordRow:
    name = upstream_dn(username)
    return RecordRow(
        number,
        SOURCE,
        Kind.USER.value,
        username,
        name,
        DN.parse(name).key,
        username,
        "{}",
        None,
        Situation.LINKED.value,
        "",
        object_id(username),
        "rule:test",
        0,
    )
