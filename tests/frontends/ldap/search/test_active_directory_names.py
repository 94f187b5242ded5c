"""What Active Directory takes for a name, and what it works out on request: anr, <GUID=…>, tokenGroups and the like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred

from gateway.model.deltas import MEMBERS, Delta, DeltaType
from gateway.model.ldap import dn, windows_identifiers
from gateway.model.objects import Attributes, Kind
from gateway.model.records import Reference, ReferenceForm
from gateway.wire import controls
from gateway.wire.messages import AddRequest, CompareRequest, Control, DelRequest, ModifyDNRequest, PartialAttribute
from tests.frontends.ldap.serving import Serving, blocking
from tests.frontends.ldap.wire_client import WireClient, connected, search_request
from tests.frontends.ldap.writable_world import AD, WritableWorld

Connect = Callable[..., WireClient]
GUID, UNIT_GUID = UUID("ee0f2452-1111-4222-8333-944444444444"), UUID("ab0f2452-1111-4222-8333-944444444444")
DOMAIN_SID = "S-1-5-21-1-2-3"
JDOE = f"CN=John Doe,CN=Users,{AD}"
STAFF, OUTER, OTHER = (f"CN={name},OU=Groups,{AD}" for name in ("staff", "outer", "other/one"))


def sid(number: int) -> bytes:
    return windows_identifiers.sid(f"{DOMAIN_SID}-{number}") or b""


def group(name: str, number: int, *members: str) -> Delta:
    listed = tuple(Reference(ReferenceForm.DN, dn.key(member)) for member in members)
    attributes: Attributes = {"name": (name,), "object_sid": (sid(number),)}
    return Delta(DeltaType.UPSERT, Kind.GROUP, name, f"cn={name},dc=berlin", attributes, {MEMBERS: listed})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WritableWorld]:
    made = WritableWorld(tmp_path)
    jdoe: Attributes = {
        "username": ("jdoe",),
        "display_name": ("John Doe",),
        "given_name": ("John",),
        "family_name": ("Doe",),
        "object_guid": (GUID.bytes_le,),
        "object_sid": (sid(1104),),
    }
    made.report(
        Delta(DeltaType.UPSERT, Kind.USER, "jdoe", "uid=jdoe,ou=sales,dc=berlin", jdoe),
        group("staff", 1200, "uid=jdoe,ou=sales,dc=berlin"),
        group("outer", 1201, "cn=staff,dc=berlin"),
        group("other/one", 1202, "uid=anna,ou=sales,dc=berlin"),
    )
    pytest_twisted.blockon(ensureDeferred(made.start()))
    yield made
    pytest_twisted.blockon(ensureDeferred(made.stop()))


@pytest.fixture
def client_of(desk: WritableWorld) -> Iterator[Callable[..., WireClient]]:
    world: Any = desk
    serving = Serving(world, writer=desk.writer)
    with ExitStack() as stack:
        yield lambda account=None: stack.enter_context(connected(serving, account))
    pytest_twisted.blockon(ensureDeferred(serving.end()))


FILTERS = {
    "(anr=jdoe)": [JDOE],
    "(anr=john do)": [JDOE],
    "(&(objectClass=group)(anr=sta))": [STAFF],
    f"(objectGUID={GUID})": [JDOE],
    f"(objectGUID={{{GUID}}})": [JDOE],
    "(objectGUID=" + "".join(f"\\{octet:02x}" for octet in GUID.bytes_le) + ")": [JDOE],
    "(objectGUID=ee0f2452)": [],
    f"(objectSid={DOMAIN_SID}-1104)": [JDOE],
    "(objectSid=" + "".join(f"\\{octet:02x}" for octet in sid(1104)) + ")": [JDOE],
    f"(member:1.2.840.113556.1.4.1941:={JDOE})": [OUTER, STAFF],
    f"(&(objectClass=user)(memberOf:1.2.840.113556.1.4.1941:={OUTER}))": [JDOE],
    "(groupType:1.2.840.113556.1.4.803:=2147483648)": [OTHER, OUTER, STAFF],
}

BASES = {
    f"<GUID={GUID}>": (0, JDOE),
    f"<GUID={GUID.bytes_le.hex()}>": (0, JDOE),
    f"<guid={GUID}>": (0, JDOE),
    f"<SID={DOMAIN_SID}-1104>": (0, JDOE),
    f"<SID={sid(1104).hex()}>": (0, JDOE),
    f"<WKGUID=a9d1ca15768811d1aded00c04fd8d5cd,{AD}>": (0, f"CN=Users,{AD}"),
    f"<GUID={UNIT_GUID}>": (32, ""),
    "<GUID=x>": (34, ""),
    f"<WKGUID=aa312825768811d1aded00c04fd8d5cd,{AD}>": (34, ""),
    "<WKGUID=a9d1ca15768811d1aded00c04fd8d5cd,DC=elsewhere>": (32, ""),
    "<>": (34, ""),
}


@blocking
def test_what_active_directory_takes_for_a_name_is_one_in_its_view(
    desk: WritableWorld, client_of: Callable[..., WireClient]
) -> None:
    client = client_of(desk.portal)
    for text, expected in FILTERS.items():
        found, done = client.search(search_request(AD, text, attributes=("1.1",)))
        assert (text, sorted(entry.object_name for entry in found), done.code) == (text, expected, 0)
    for base, (code, name) in BASES.items():
        found, done = client.search(search_request(base, scope=0, attributes=("1.1",)))
        assert (base, done.code, [entry.object_name for entry in found]) == (base, code, [name] if name else [])
    compared: Any = client.ask(CompareRequest(f"<GUID={GUID}>", "sn", b"doe"))
    assert compared.result.code == 6
    # In another view they are none, and what the party does not see has none.
    other, _ = client.search(search_request("dc=example,dc=test", "(anr=jdoe)"))
    assert other == []
    assert client_of(desk.blind).search(search_request(f"<GUID={GUID}>", scope=0))[1].code == 32
    bert = client.search(search_request(AD, "(cn=bert)", attributes=("objectGUID",)))[0][0].attributes[0].values[0]
    assert client.search(search_request(f"<GUID={bert.hex()}>", scope=0))[1].code == 0
    assert client_of(desk.narrow).search(search_request(f"<GUID={bert.hex()}>", scope=0))[1].code == 32


@blocking
def test_what_is_worked_out_is_sent_when_it_is_named(desk: WritableWorld, client_of: Connect) -> None:
    client = client_of(desk.portal)

    def read(name: str, *attributes: str, scope: int = 0) -> dict[str, list[bytes]]:
        [entry], _ = client.search(search_request(name, scope=scope, attributes=attributes))
        return {one.type: sorted(one.values) for one in entry.attributes}

    assert read(JDOE, "tokenGroups") == {"tokenGroups": sorted([sid(1200), sid(1201), sid(513)])}
    assert read(JDOE, "tokenGroups", scope=2) == {}
    assert read(STAFF, "primaryGroupToken", "canonicalName") == {
        "primaryGroupToken": [b"1200"],
        "canonicalName": [b"ad.test/Groups/staff"],
    }
    assert read(OTHER, "canonicalName") == {"canonicalName": [b"ad.test/Groups/other\\/one"]}
    assert read(AD, "canonicalName") == {"canonicalName": [b"ad.test/"]}
    everything = read(JDOE, "*", "+")
    assert everything.keys().isdisjoint({"tokenGroups", "primaryGroupToken", "canonicalName", "uSNChanged"})


@blocking
def test_a_ping_over_tcp_is_answered_as_one_over_udp(desk: WritableWorld, client_of: Connect) -> None:
    stranger = client_of()
    [entry], done = stranger.search(search_request("", "(&(DnsDomain=ad.test)(NtVer=\\06\\00\\00\\00))", 0, ("NetLogon",)))
    [told] = entry.attributes
    assert (done.code, told.type) == (0, "NetLogon") and b"\x02ad\x04test\x00" in told.values[0]
    for text in ("(&(DnsDomain=x.test)(NtVer=\\06\\00\\00\\00))", "(&(NtVer=\\06\\00\\00\\00)(User=jdoe))"):
        found, done = stranger.search(search_request("", text, 0, ("NetLogon",)))
        assert (found, done.code) == ([], 0)


@blocking
def test_names_are_extended_with_what_may_be_read(desk: WritableWorld, client_of: Connect) -> None:
    text, octets = (controls.control(controls.ExtendedDN(as_text)) for as_text in (True, False))

    def read(client: WireClient, name: str, *asked: Control) -> tuple[str, list[str]]:
        [entry], done = client.search(search_request(name, scope=0, attributes=("member", "memberOf", "cn")), *asked)
        assert done.code == 0
        values = {one.type: one.values for one in entry.attributes}
        return entry.object_name, sorted(value.decode() for key in ("member", "memberOf") for value in values.get(key, ()))

    client = client_of(desk.portal)
    jdoe = f"<GUID={GUID}>;<SID={DOMAIN_SID}-1104>;{JDOE}"
    staff = client.search(search_request(STAFF, scope=0, attributes=("objectGUID",)))[0][0].attributes[0].values[0]
    staff_text = f"<GUID={UUID(bytes_le=staff)}>;<SID={DOMAIN_SID}-1200>;{STAFF}"
    name, linked = read(client, STAFF, text)
    assert (name, jdoe in linked, len(linked)) == (staff_text, True, 2)
    assert read(client, JDOE, text) == (jdoe, [staff_text])
    assert read(client, JDOE, octets)[0] == f"<GUID={GUID.bytes_le.hex()}>;<SID={sid(1104).hex()}>;{JDOE}"
    assert read(client, JDOE) == (JDOE, [STAFF])
    # No identifier that the application may not read, nor of a group that it does not see.
    assert read(client_of(desk.blind), JDOE, text)[0] == JDOE
    found, done = client_of(desk.narrow).search(search_request(AD, "(cn=*)", attributes=("1.1",)), text)
    assert done.code == 0 and jdoe in [entry.object_name for entry in found]
    # In other views names stay as they are.
    people, done = client.search(search_request("dc=example,dc=test", "(uid=jdoe)"), text)
    assert ([entry.object_name for entry in people], done.code) == (["uid=jdoe,ou=people,dc=example,dc=test"], 0)


@blocking
def test_a_write_names_its_target_by_an_identifier_as_well(desk: WritableWorld, client_of: Connect) -> None:
    portal = client_of(desk.portal)

    def result(client: WireClient, operation: Any) -> int:
        answer: Any = client.ask(operation)
        return int(answer.result.code)

    made = {"objectClass": b"user", "cn": b"Lea", "sAMAccountName": b"lea", "sn": b"Lund"}
    attributes = tuple(PartialAttribute(name, (value,)) for name, value in made.items())
    assert result(portal, AddRequest(f"CN=Lea,CN=Users,{AD}", attributes)) == 0

    def named(text: str) -> str:
        [entry], _ = portal.search(search_request(AD, text, attributes=("objectGUID",)))
        return f"<GUID={entry.attributes[0].values[0].hex()}>"

    lea = named("(cn=Lea)")
    assert result(portal, ModifyDNRequest(lea, "CN=Lea L", True)) == 0
    assert named("(cn=Lea L)") == lea
    assert result(client_of(desk.narrow), DelRequest(named("(cn=bert)"))) == 32
    assert result(portal, DelRequest(lea)) == 0
    assert result(portal, DelRequest(lea)) == 32
    # What a source tells is refused as under its DN.
    assert result(portal, DelRequest(f"<GUID={GUID}>")) == result(portal, DelRequest(JDOE)) == 53
