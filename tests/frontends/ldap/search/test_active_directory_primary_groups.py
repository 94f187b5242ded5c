"""The primary group of people in a view of kind `ad`: primaryGroupID names it, and neither member nor memberOf lists it, as at
Active Directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from gateway.directory.access import UserAccess, of_user
from gateway.model.deltas import MEMBERS, Delta, DeltaType
from gateway.model.ldap import dn, windows_identifiers
from gateway.model.objects import Attributes, Kind
from gateway.model.records import Reference, ReferenceForm
from gateway.wire.messages import REPLACE, Modification, ModifyRequest, PartialAttribute
from tests.frontends.ldap.serving import Account, Serving, blocking, eventually
from tests.frontends.ldap.wire_client import WireClient, connected, search_request
from tests.frontends.ldap.writable_world import AD, GROUPS, WritableWorld

Connect = Callable[[Account], WireClient]
CHAIN = "1.2.840.113556.1.4.1941"
PRIM, STAFF, OUTER = (f"CN={name},OU=Groups,{AD}" for name in ("prim", "crew", "outer"))


def sid(number: int, domain: str = "S-1-5-21-1-2-3") -> bytes:
    return windows_identifiers.sid(f"{domain}-{number}") or b""


def person(name: str, number: int, primary: str, domain: str = "S-1-5-21-1-2-3") -> Delta:
    attributes: Attributes = {
        "username": (name,),
        "family_name": (name,),
        "object_sid": (sid(number, domain),),
        "primary_group_id": (primary,),
    }
    return Delta(DeltaType.UPSERT, Kind.USER, name, f"uid={name},ou=sales,dc=berlin", attributes)


def group(name: str, number: int, *members: str) -> Delta:
    listed = tuple(Reference(ReferenceForm.DN, dn.key(member)) for member in members)
    attributes: Attributes = {"name": (name,), "object_sid": (sid(number),)}
    return Delta(DeltaType.UPSERT, Kind.GROUP, name, f"cn={name},dc=berlin", attributes, {MEMBERS: listed})


def at_source(*names: str) -> list[str]:
    return [f"uid={name},ou=sales,dc=berlin" for name in names]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WritableWorld]:
    made = WritableWorld(tmp_path)
    made.report(
        person("pam", 1104, "1200"),
        person("quin", 1105, "1201"),
        person("rob", 1106, "junk"),
        person("far", 1107, "1200", "S-1-5-21-9-9-9"),
        group("prim", 1200, *at_source("pam", "quin", "far")),
        group("crew", 1201, *at_source("pam", "quin")),
        group("outer", 1202, "cn=prim,dc=berlin"),
    )
    pytest_twisted.blockon(ensureDeferred(made.start()))
    yield made
    pytest_twisted.blockon(ensureDeferred(made.stop()))


@pytest.fixture
def client_of(desk: WritableWorld) -> Iterator[Connect]:
    world: Any = desk
    serving = Serving(world, writer=desk.writer)
    with ExitStack() as stack:
        yield lambda account: stack.enter_context(connected(serving, account))
    pytest_twisted.blockon(ensureDeferred(serving.end()))


def found(client: WireClient, text: str, base: str = AD) -> set[str]:
    entries, done = client.search(search_request(base, text, attributes=("1.1",)))
    assert done.code == 0
    return {entry.object_name.partition(",")[0].partition("=")[2] for entry in entries}


def read(client: WireClient, name: str, attribute: str) -> list[bytes]:
    [entry], _ = client.search(search_request(name, scope=0, attributes=(attribute,)))
    return sorted(value for one in entry.attributes for value in one.values)


def user(name: str) -> str:
    return f"CN={name},CN=Users,{AD}"


FILTERS = {
    "(primaryGroupID=1200)": {"pam", "far"},
    f"(memberOf={PRIM})": {"quin", "far"},
    f"(|(memberOf={PRIM})(&(primaryGroupID=1200)(objectSid=S-1-5-21-1-2-3-1104)))": {"pam", "quin", "far"},
    f"(memberOf={STAFF})": {"pam"},
    f"(member={user('pam')})": {"crew"},
    f"(member={user('quin')})": {"prim"},
    f"(member:{CHAIN}:={user('pam')})": {"crew"},
    f"(member:{CHAIN}:={user('quin')})": {"prim", "outer"},
    f"(memberOf:{CHAIN}:={OUTER})": {"quin", "far", "prim"},
    f"(&(objectClass=user)(!(memberOf={PRIM}))(sAMAccountName=pam))": {"pam"},
}


@blocking
def test_a_primary_group_is_listed_in_neither_direction(desk: WritableWorld, client_of: Connect) -> None:
    client = client_of(desk.portal)
    for text, expected in FILTERS.items():
        assert (text, found(client, text)) == (text, expected)
    assert read(client, user("pam"), "memberOf") == [STAFF.encode()]
    assert read(client, user("quin"), "memberOf") == [PRIM.encode()]
    assert read(client, PRIM, "member") == [user("far").encode(), user("quin").encode()]
    # The token has it, with the groups that it is in.
    assert read(client, user("pam"), "tokenGroups") == sorted(map(sid, (1200, 1201, 1202)))
    assert read(client, user("rob"), "tokenGroups") == []
    # Other kinds of views know no such difference.
    assert found(client, "(member=uid=pam,ou=people,dc=example,dc=test)", "dc=example,dc=test") == {"prim", "crew"}


@blocking
def test_another_primary_group_swaps_the_links(desk: WritableWorld, client_of: Connect) -> None:
    client = client_of(desk.portal)
    desk.report(person("pam", 1104, "1201"))
    eventually(lambda: read(client, user("pam"), "memberOf") == [PRIM.encode()], "the other group is listed")
    assert user("pam").encode() in read(client, PRIM, "member") and read(client, STAFF, "member") == []
    desk.report(group("prim", 1200, *at_source("quin", "far")))
    eventually(lambda: read(client, user("pam"), "memberOf") == [], "the group lists her no more")
    desk.report(Delta(DeltaType.DELETE, Kind.USER, "pam"))
    eventually(lambda: found(client, "(primaryGroupID=1201)") == {"quin"}, "she is gone")


@blocking
def test_law_16_members_that_are_shown_can_be_said_back_and_the_others_stay(desk: WritableWorld, client_of: Connect) -> None:
    client = client_of(desk.portal)
    shown = tuple(read(client, PRIM, "member"))
    answer: Any = client.ask(ModifyRequest(PRIM, (Modification(REPLACE, PartialAttribute("member", shown)),)))
    assert answer.result.code == 0
    everyone = "(member=uid=pam,ou=people,dc=example,dc=test)"
    assert found(client, everyone, GROUPS) == {"prim", "crew"}


def test_a_person_who_is_bound_still_sees_the_primary_group(desk: WritableWorld) -> None:
    reader = desk.followers[2].reader
    assert reader is not None
    [row] = reader.execute("SELECT object_id FROM entry WHERE dn_key = ?", (dn.key(user("pam")),))
    visible = reader.visibilities.get(of_user(row[0], UserAccess.OWN), reader.connection)
    assert visible is not None and visible.only is not None
    names = {
        one[0].partition(",")[0]
        for object_id in visible.only
        for one in reader.execute("SELECT dn FROM entry WHERE object_id = ?", (object_id,))
    }
    assert {"CN=pam", "CN=prim", "CN=crew", "CN=outer"} <= names
