"""Add, Modify, Delete and Modify DN, by python-ldap, over a real store: what is made here, what a source has, who may."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ldap
import ldap.controls
import pytest
import pytest_twisted
from ldap.controls.simple import ProxyAuthzControl
from twisted.internet.defer import ensureDeferred

from gateway.directory.access import Access
from gateway.directory.writes.member_changes import AT_ONCE, changes_of
from gateway.model.applications import Scope
from gateway.model.changes import ChangeType
from gateway.model.objects import Kind
from gateway.store.objects import users
from gateway.wire.controls.search import Assertion
from gateway.wire.filters import parse
from gateway.wire.messages import Modification, PartialAttribute
from tests.app.installation import until
from tests.frontends.ldap.client_programs import tool
from tests.frontends.ldap.serving import Serving, blocking, eventually
from tests.frontends.ldap.writable_world import (
    AD,
    ANNA,
    BASE,
    GROUPS,
    PEOPLE,
    PERSON,
    STAFF,
    TREE,
    UNITS,
    Client,
    WritableWorld,
    said,
)

LEA = f"uid=lea,{PEOPLE}"
LEA_IN_TREE = f"uid=lea,ou=people,{TREE}"
ADD, DELETE, REPLACE, INCREMENT = ldap.MOD_ADD, ldap.MOD_DELETE, ldap.MOD_REPLACE, ldap.MOD_INCREMENT


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WritableWorld]:
    made = WritableWorld(tmp_path)
    pytest_twisted.blockon(ensureDeferred(made.start()))
    yield made
    pytest_twisted.blockon(ensureDeferred(made.stop()))


@pytest.fixture
def serving(desk: WritableWorld) -> Iterator[Serving]:
    world: Any = desk
    started = Serving(world, writer=desk.writer)
    yield started
    pytest_twisted.blockon(ensureDeferred(started.end()))


@blocking
def test_an_entry_is_added_read_changed_renamed_and_deleted(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    portal.add(LEA, cn=["Lea", "L."], sn="Lund", mail="lea@example.test", title="Queen")
    entry = portal.read(LEA)
    assert (entry["uid"], entry["cn"], entry["sn"]) == (["lea"], ["Lea", "L."], ["Lund"])
    assert entry["objectClass"] == PERSON
    identity = portal.read(LEA, "entryUUID")
    portal.modify(LEA, (ADD, "mail", "l@example.test"), (DELETE, "cn", "L."), (REPLACE, "title", "King"))
    assert portal.read(LEA, "mail", "cn", "title") == {
        "mail": ["lea@example.test", "l@example.test"],
        "cn": ["Lea"],
        "title": ["King"],
    }
    portal.ldap.rename_s(LEA, "uid=lia")
    lia = f"uid=lia,{PEOPLE}"
    assert portal.read(lia, "entryUUID") == identity
    portal.ldap.delete_s(lia)
    assert not portal.names(BASE, "(|(uid=lea)(uid=lia))")
    local = [change.type for change in desk.log() if change.source_id == "local"]
    assert local == [ChangeType.CREATE, ChangeType.UPDATE, ChangeType.UPDATE, ChangeType.DELETE]


@blocking
def test_each_of_several_values_is_added_found_compared_and_taken_away_alone(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    portal.add(LEA, cn="Lea", sn=["Lund", "Lind"])
    several = ["sn", "givenName", "title", "description", "carLicense", "businessCategory", "labeledURI", "roomNumber"]
    for name in (*several, "l", "street", "postalCode", "employeeType", "departmentNumber"):
        portal.modify(LEA, (REPLACE, name, ["one", "Two"]))
        portal.modify(LEA, (ADD, name, "three"), (DELETE, name, "one"))
        assert portal.read(LEA, name) == {name: ["Two", "three"]}
        for value in ("Two", "three"):
            assert portal.names(BASE, f"({name}={value})") == {LEA}
            assert portal.ldap.compare_s(LEA, name, value.encode())
        assert portal.names(BASE, f"({name}=one)") == set()
        with portal.refused(ldap.TYPE_OR_VALUE_EXISTS):
            portal.modify(LEA, (ADD, name, "three"))
    portal.modify(LEA, (REPLACE, "seeAlso", [ANNA, STAFF]), (REPLACE, "audio", [b"\xff\x01", b"\xfe\x02"]))
    portal.modify(LEA, (DELETE, "seeAlso", ANNA), (DELETE, "audio", [b"\xff\x01"]))
    assert portal.read(LEA, "seeAlso") == {"seeAlso": [STAFF]}
    assert portal.ldap.read_s(LEA, attrlist=["audio"]) == {"audio": [b"\xfe\x02"]}
    entry = portal.ldap.read_s(LEA)
    portal.ldap.delete_s(LEA)
    portal.ldap.add_s(LEA, list(entry.items()))  # law 16
    assert portal.ldap.read_s(LEA) == entry


@blocking
def test_a_manager_is_written_as_the_name_of_an_entry_and_means_the_person(desk: WritableWorld, serving: Serving) -> None:
    portal, narrow = Client(serving, desk.portal), Client(serving, desk.narrow)
    bert, anna_in_tree = f"uid=bert,{PEOPLE}", f"uid=anna,ou=sales,{TREE}"
    portal.add(LEA, cn="Lea", sn="Lund", manager=ANNA)
    assert portal.names(BASE, f"(manager={ANNA})") == {LEA}
    until(lambda: portal.names(TREE, f"(manager={anna_in_tree})") == {LEA_IN_TREE}, "the other view has her, too")
    shown = portal.read(LEA)
    portal.ldap.delete_s(LEA)
    portal.add(LEA, **shown)  # law 16
    portal.modify(LEA, (ADD, "manager", bert), (DELETE, "manager", ANNA))
    assert portal.read(LEA, "manager") == {"manager": [bert]}
    with portal.refused(ldap.TYPE_OR_VALUE_EXISTS):
        portal.modify(LEA, (ADD, "manager", bert.upper()))
    with portal.refused(ldap.CONSTRAINT_VIOLATION, "manager: there is no entry uid=nobody"):
        portal.modify(LEA, (REPLACE, "manager", f"uid=nobody,{PEOPLE}"))

    portal.modify(ANNA, (REPLACE, "manager", bert))
    with narrow.refused(ldap.CONSTRAINT_VIOLATION, "there is no entry"):
        narrow.modify(ANNA, (REPLACE, "manager", bert))
    narrow.modify(ANNA, (REPLACE, "manager", ANNA))
    assert narrow.read(ANNA, "manager") == {"manager": [ANNA]}
    assert portal.read(ANNA, "manager") == {"manager": [bert, ANNA]}, "what is not seen stays"
    portal.modify(ANNA, (DELETE, "manager", None))
    assert portal.read(ANNA, "manager") == {}


@blocking
def test_whoever_writes_reads_it_at_once_and_pipelined_writes_are_carried_out_in_their_order(
    desk: WritableWorld, serving: Serving
) -> None:
    portal = Client(serving, desk.portal)
    portal.add(LEA, cn="Lea", sn="Lund")
    numbers = [portal.ldap.modify(LEA, [(REPLACE, "title", [b"%d" % number])]) for number in range(20)]
    found = portal.ldap.search(LEA, ldap.SCOPE_BASE, attrlist=["title"])
    for number in numbers:
        portal.ldap.result(number)
    _, [(_, entry)] = portal.ldap.result(found)
    assert entry == {"title": [b"19"]}


@blocking
def test_what_a_source_tells_is_refused_with_its_name_in_the_words_of_the_view(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    last = len(desk.log())
    with portal.refused(ldap.UNWILLING_TO_PERFORM, "sn of this entry comes from the source berlin"):
        portal.modify(ANNA, (REPLACE, "sn", "X"))
    with portal.refused(ldap.UNWILLING_TO_PERFORM, "title of this entry comes from the source berlin"):
        portal.modify(ANNA, (REPLACE, "preferredLanguage", "A"), (DELETE, "title", None))
    with portal.refused(ldap.UNWILLING_TO_PERFORM, "source berlin"):
        portal.ldap.delete_s(ANNA)
    with portal.refused(ldap.UNWILLING_TO_PERFORM, "source berlin"):
        portal.ldap.rename_s(ANNA, "uid=anne")
    with portal.refused(ldap.UNWILLING_TO_PERFORM, "source berlin"):
        portal.modify(STAFF, (ADD, "member", f"uid=bert,{PEOPLE}"))
    with portal.refused(ldap.UNWILLING_TO_PERFORM, "source berlin"):
        portal.ldap.delete_s(f"ou=sales,{UNITS}")
    assert len(desk.log()) == last


@blocking
def test_what_no_source_tells_is_added_stays_through_every_sync_and_yields_to_a_source(
    desk: WritableWorld, serving: Serving
) -> None:
    portal = Client(serving, desk.portal)
    portal.modify(ANNA, (ADD, "preferredLanguage", "en"), (REPLACE, "mail", ["a@x", "b@x"]))
    again = said(Kind.USER, "anna", "uid=anna,ou=sales,dc=berlin", family_name="Ahn", common_name="Anna", title="Queen")
    desk.report(again, caught_up=True)
    portal.modify(ANNA, (ADD, "description", "x"))  # and the view has everything before it
    assert portal.read(ANNA, "preferredLanguage", "mail", "title") == {
        "preferredLanguage": ["en"],
        "mail": ["a@x", "b@x"],
        "title": ["Queen"],
    }
    desk.report(
        said(Kind.USER, "anna", "uid=anna,ou=sales,dc=berlin", family_name="Ahn", common_name="Anna", preferred_language="de")
    )
    with portal.refused(ldap.UNWILLING_TO_PERFORM, "preferredLanguage of this entry comes from the source berlin"):
        portal.modify(ANNA, (REPLACE, "preferredLanguage", "mine"))
    portal.modify(ANNA, (DELETE, "description", None))
    assert portal.read(ANNA, "preferredLanguage", "description") == {"preferredLanguage": ["de"]}


@blocking
def test_who_has_no_grant_is_told_where_to_write(desk: WritableWorld, serving: Serving) -> None:
    reader, nobody = Client(serving, desk.reader), Client(serving, None)
    for client, error in ((reader, ldap.INSUFFICIENT_ACCESS), (nobody, ldap.UNWILLING_TO_PERFORM)):
        for work in _attempts(client):
            with client.refused(error, "change the entry in its source (berlin)"):
                work()


def _attempts(client: Client) -> list[Callable[[], object]]:
    return [
        lambda: client.add(LEA, cn="Lea", sn="Lund"),
        lambda: client.modify(ANNA, (REPLACE, "preferredLanguage", "A")),
        lambda: client.ldap.delete_s(ANNA),
        lambda: client.ldap.rename_s(ANNA, "uid=anne"),
    ]


@blocking
def test_outside_the_scope_there_is_nothing_to_write_to(desk: WritableWorld, serving: Serving) -> None:
    narrow = Client(serving, desk.narrow)
    bert = f"uid=bert,{PEOPLE}"
    with narrow.refused(ldap.NO_SUCH_OBJECT):
        narrow.modify(bert, (REPLACE, "preferredLanguage", "B"))
    assert narrow.matched == PEOPLE
    with narrow.refused(ldap.NO_SUCH_OBJECT):
        narrow.ldap.delete_s(bert)
    with narrow.refused(ldap.NO_SUCH_OBJECT):
        narrow.ldap.rename_s(bert, "uid=bart")
    with narrow.refused(ldap.NO_SUCH_OBJECT):
        narrow.ldap.delete_s("uid=x,dc=elsewhere")
    with narrow.refused(ldap.ALREADY_EXISTS):
        narrow.add(bert, cn="Bert", sn="B")
    with narrow.refused(ldap.UNWILLING_TO_PERFORM, "only some organizations"):
        narrow.add(f"ou=new,{UNITS}", objectClass=["organizationalUnit"])
    narrow.modify(ANNA, (REPLACE, "preferredLanguage", "A"))
    narrow.add(LEA, cn="Lea", sn="Lund")
    assert narrow.names(PEOPLE, "(uid=*)") == {ANNA, LEA}, "who is added by it belongs to what it sees"
    with narrow.refused(ldap.CONSTRAINT_VIOLATION, "no user or group is named"):
        narrow.add(f"cn=circle,{GROUPS}", objectClass=["groupOfNames"], member=bert)


@blocking
def test_what_an_application_may_not_read_it_may_not_write(desk: WritableWorld, serving: Serving) -> None:
    blind = Client(serving, desk.blind)
    blind.add(LEA, cn="Lea", sn="Lund")
    with blind.refused(ldap.INSUFFICIENT_ACCESS, "may not see title"):
        blind.modify(LEA, (REPLACE, "title", "Queen"))
    with blind.refused(ldap.INSUFFICIENT_ACCESS, "may not see mail"):
        blind.add(f"uid=lia,{PEOPLE}", cn="Lia", sn="L", mail="x@y")


@blocking
def test_an_add_that_cannot_be_is_refused_for_its_own_reason(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    portal.add(LEA, cn="Lea", sn="Lund")
    person: dict[str, Any] = {"cn": "x", "sn": "x"}
    unit: dict[str, Any] = {"objectClass": ["organizationalUnit"]}
    cases: list[tuple[type[ldap.LDAPError], str, dict[str, Any]]] = [
        (ldap.ALREADY_EXISTS, f"UID=LEA,{PEOPLE}", person),
        (ldap.ALREADY_EXISTS, PEOPLE, unit),
        (ldap.NO_SUCH_OBJECT, f"uid=x,ou=nowhere,{PEOPLE}", person),
        (ldap.NO_SUCH_OBJECT, f"cn=x,ou=applications,{BASE}", person),
        (ldap.NAMING_VIOLATION, f"uid=x,{GROUPS}", person),
        (ldap.NAMING_VIOLATION, f"uid=x,{LEA}", person),
        (ldap.NAMING_VIOLATION, f"cn=x,{PEOPLE}", person),
        (ldap.NAMING_VIOLATION, f"ou=x,{BASE}", unit),
        (ldap.OBJECT_CLASS_VIOLATION, f"uid=x,{PEOPLE}", {"cn": "x"}),
        (ldap.OBJECT_CLASS_VIOLATION, f"uid=x,{PEOPLE}", {**person, "objectClass": ["device"]}),
        (ldap.OBJECT_CLASS_VIOLATION, f"uid=x,{PEOPLE}", {**person, "objectClass": None}),
        (ldap.OBJECT_CLASS_VIOLATION, f"uid=x,{PEOPLE}", {**person, "member": LEA}),
        (ldap.UNDEFINED_TYPE, f"uid=x,{PEOPLE}", {**person, "noSuchThing": "x"}),
        (ldap.UNDEFINED_TYPE, f"uid=x,{PEOPLE}", {**person, "title;lang-de": "x"}),
        (ldap.NAMING_VIOLATION, f"uid=x,{PEOPLE}", {**person, "uid": "y"}),
        (ldap.INVALID_SYNTAX, f"uid=x,{PEOPLE}", {**person, "uidNumber": "x"}),
        (ldap.OBJECT_CLASS_VIOLATION, f"uid=x,{PEOPLE}", {**person, "uidNumber": "1"}),
        (ldap.CONSTRAINT_VIOLATION, f"uid=x,{PEOPLE}", {**person, "entryUUID": "x"}),
        (ldap.CONSTRAINT_VIOLATION, f"uid=x,{PEOPLE}", {**person, "displayName": ["a", "b"]}),
        (ldap.CONSTRAINT_VIOLATION, f"uid={'x' * 300},{PEOPLE}", person),
        (ldap.TYPE_OR_VALUE_EXISTS, f"uid=x,{PEOPLE}", {**person, "mail": ["a@x", "A@x"]}),
        (ldap.INVALID_DN_SYNTAX, f"uid,{PEOPLE}", person),
        (ldap.UNWILLING_TO_PERFORM, "cn=Subschema", person),
    ]
    last = len(desk.log())
    for error, name, attributes in cases:
        with portal.refused(error):
            portal.add(name, **attributes)
    assert len(desk.log()) == last


@blocking
def test_a_modify_that_cannot_be_changes_nothing_at_all(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    posix = {"uidNumber": "41", "gidNumber": "41", "homeDirectory": "/home/lea"}
    portal.add(LEA, objectClass=[*PERSON, "posixAccount"], cn="Lea", sn="Lund", **posix)
    good = (REPLACE, "title", "Queen")
    cases: list[tuple[type[ldap.LDAPError], tuple[int, str, Any]]] = [
        (ldap.NO_SUCH_ATTRIBUTE, (DELETE, "mail", None)),
        (ldap.TYPE_OR_VALUE_EXISTS, (ADD, "cn", "LEA")),
        (ldap.OBJECT_CLASS_VIOLATION, (DELETE, "sn", None)),
        (ldap.NOT_ALLOWED_ON_RDN, (REPLACE, "uid", "lia")),
        (ldap.CONSTRAINT_VIOLATION, (REPLACE, "modifyTimestamp", "20260101000000Z")),
        (ldap.CONSTRAINT_VIOLATION, (ADD, "ou", "sales")),
        (ldap.OBJECT_CLASS_VIOLATION, (ADD, "objectClass", "ldapPublicKey")),
        (ldap.OBJECT_CLASS_VIOLATION, (DELETE, "homeDirectory", None)),
        (ldap.OBJECT_CLASS_VIOLATION, (DELETE, "objectClass", "posixAccount")),
        (ldap.CONSTRAINT_VIOLATION, (ADD, "uidNumber", "42")),
        (ldap.UNDEFINED_TYPE, (REPLACE, "cn;lang-de", "x")),
        (ldap.UNDEFINED_TYPE, (REPLACE, "userPassword;x", "correct horse")),
    ]
    for error, modification in cases:
        with portal.refused(error):
            portal.modify(LEA, good, modification)
    assert "title" not in portal.read(LEA)
    with portal.refused(ldap.UNWILLING_TO_PERFORM, "part of the view itself"):
        portal.modify(PEOPLE, (REPLACE, "description", "x"))
    portal.modify(LEA, (INCREMENT, "uidNumber", "1"), good)
    assert portal.read(LEA, "uidNumber", "title") == {"uidNumber": ["42"], "title": ["Queen"]}


@blocking
def test_groups_are_made_with_members_and_get_and_lose_some(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    portal.add(LEA, cn="Lea", sn="Lund")
    circle = f"cn=circle,{GROUPS}"
    bert = f"uid=bert,{PEOPLE}"
    portal.add(circle, objectClass=["top", "groupOfNames"], member=[ANNA, LEA], description="round")
    assert sorted(portal.read(circle, "member")["member"]) == [ANNA, LEA]
    assert portal.read(ANNA, "memberOf") == {"memberOf": [circle, STAFF]}
    portal.modify(circle, (ADD, "member", [bert, STAFF]), (DELETE, "member", ANNA))
    assert sorted(portal.read(circle, "member")["member"]) == [STAFF, bert, LEA]
    with portal.refused(ldap.TYPE_OR_VALUE_EXISTS):
        portal.modify(circle, (ADD, "member", [ANNA, bert]))
    with portal.refused(ldap.NO_SUCH_ATTRIBUTE):
        portal.modify(circle, (DELETE, "member", ANNA))
    with portal.refused(ldap.CONSTRAINT_VIOLATION, "no user or group is named uid=nobody"):
        portal.modify(circle, (ADD, "member", f"uid=nobody,{PEOPLE}"))
    with portal.refused(ldap.INVALID_SYNTAX):
        portal.modify(circle, (ADD, "member", "anna"))
    portal.modify(circle, (REPLACE, "member", [ANNA]))
    assert portal.read(circle, "member") == {"member": [ANNA]}
    portal.ldap.delete_s(LEA)
    portal.modify(circle, (DELETE, "member", None))
    assert portal.read(circle, "member", "description") == {"description": ["round"]}
    portal.ldap.delete_s(circle)
    assert portal.names(GROUPS, "(cn=*)") == {STAFF}


@blocking
def test_posix_groups_take_members_by_login_name(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    circle = f"cn=circle,{GROUPS}"
    portal.add(circle, objectClass=["groupOfNames", "posixGroup"], gidNumber="77", memberUid=["anna", "bert"])
    assert sorted(portal.read(circle, "memberUid")["memberUid"]) == ["anna", "bert"]
    portal.modify(circle, (DELETE, "memberUid", "bert"))
    assert portal.read(circle, "member", "memberUid") == {"member": [ANNA], "memberUid": ["anna"]}
    with portal.refused(ldap.CONSTRAINT_VIOLATION, "login name 'nobody'"):
        portal.modify(circle, (ADD, "memberUid", "nobody"))


@blocking
def test_member_and_member_uid_of_the_same_people_are_one_statement(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    circle, bert = f"cn=circle,{GROUPS}", f"uid=bert,{PEOPLE}"
    both = {"objectClass": ["groupOfNames", "posixGroup"], "gidNumber": "77"}
    portal.add(circle, **both, member=[ANNA, STAFF], memberUid="anna")
    assert sorted(portal.read(circle, "member")["member"]) == sorted([ANNA, STAFF])
    portal.modify(circle, (ADD, "member", bert), (ADD, "memberUid", "bert"))
    assert portal.read(circle, "memberUid") == {"memberUid": ["anna", "bert"]}
    portal.modify(circle, (DELETE, "memberUid", "bert"), (DELETE, "member", bert))
    portal.modify(circle, (REPLACE, "member", [bert, STAFF]), (REPLACE, "memberUid", "bert"))
    assert sorted(portal.read(circle, "member")["member"]) == sorted([bert, STAFF])
    portal.modify(circle, (REPLACE, "memberUid", "anna"))
    assert sorted(portal.read(circle, "member")["member"]) == sorted([ANNA, STAFF])
    with portal.refused(ldap.CONSTRAINT_VIOLATION, "member and memberuid contradict each other"):
        portal.modify(circle, (REPLACE, "member", [ANNA, STAFF]), (REPLACE, "memberUid", "bert"))
    with portal.refused(ldap.TYPE_OR_VALUE_EXISTS):
        portal.modify(circle, (ADD, "member", bert), (ADD, "member", bert))


@blocking
def test_a_posix_group_needs_no_other_class_to_be_added(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    portal.add(f"cn=wheel,{GROUPS}", objectClass=["posixGroup"], gidNumber="78", memberUid="anna")
    shown = portal.read(f"cn=wheel,{GROUPS}")
    assert (shown["objectClass"], shown["memberUid"]) == (["top", "groupOfNames", "posixGroup"], ["anna"])
    with portal.refused(ldap.OBJECT_CLASS_VIOLATION, "posixgroup requires gidNumber"):
        portal.add(f"cn=other,{GROUPS}", objectClass=["posixGroup"])


@blocking
def test_a_person_without_a_login_name_has_that_of_the_entry(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    lea = f"CN=Lea Lund,CN=Users,{AD}"
    portal.add(lea, objectClass=["user"], sn="Lund")
    assert portal.read(lea, "sAMAccountName", "sn") == {"sAMAccountName": ["Lea Lund"], "sn": ["Lund"]}
    portal.add(f"CN=Somebody,CN=Users,{AD}", objectClass=["user"], sAMAccountName="guest")
    with portal.refused(ldap.ALREADY_EXISTS, "there is another user named 'Guest' already"):
        portal.add(f"CN=Guest,CN=Users,{AD}", objectClass=["user"])


@pytest_twisted.ensureDeferred
async def test_law_7_others_are_served_while_many_members_are_looked_up(desk: WritableWorld) -> None:
    turns: list[None] = []

    async def turn() -> None:
        turns.append(None)

    searcher = desk.directory.searcher("main", Access(scope=Scope()))
    everybody = Modification(ADD, PartialAttribute("memberUid", (b"anna", b"bert") * 10 * AT_ONCE))
    nobody = Modification(DELETE, PartialAttribute("member", ()))
    found = await changes_of(searcher, None, [everybody, nobody], turn)
    assert [(operation, len(members)) for _, operation, members in found.changes] == [(ADD, 20 * AT_ONCE), (DELETE, 0)]
    assert len(turns) == 19


@blocking
def test_a_narrow_application_that_replaces_the_members_leaves_those_alone_whom_it_does_not_see(
    desk: WritableWorld, serving: Serving
) -> None:
    portal, narrow = Client(serving, desk.portal), Client(serving, desk.narrow)
    circle, bert = f"cn=circle,{GROUPS}", f"uid=bert,{PEOPLE}"
    portal.add(circle, objectClass=["groupOfNames"], member=[ANNA, bert])
    assert narrow.read(circle, "member") == {"member": [ANNA]}
    narrow.modify(circle, (REPLACE, "member", None))
    assert portal.read(circle, "member") == {"member": [bert]}


@blocking
def test_organizations_are_made_moved_and_deleted_when_they_are_empty(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    sales, north = f"ou=sales,{UNITS}", f"ou=north,{UNITS}"
    portal.add(north, objectClass=["organizationalUnit"], l="Oslo")
    portal.add(f"ou=below,{north}", objectClass=["organizationalUnit"])
    with portal.refused(ldap.NOT_ALLOWED_ON_NONLEAF):
        portal.ldap.delete_s(north)
    portal.ldap.rename_s(north, "ou=north", sales)
    assert portal.read(f"ou=north,{sales}", "l") == {"l": ["Oslo"]}
    assert f"ou=below,ou=north,{sales}" in portal.names(UNITS)
    with portal.refused(ldap.CONSTRAINT_VIOLATION, "below itself"):
        portal.ldap.rename_s(f"ou=north,{sales}", "ou=north", f"ou=below,ou=north,{sales}")
    with portal.refused(ldap.UNWILLING_TO_PERFORM, "stand below"):
        portal.ldap.rename_s(f"ou=north,{sales}", "ou=north", PEOPLE)
    with portal.refused(ldap.NO_SUCH_OBJECT):
        portal.ldap.rename_s(f"ou=north,{sales}", "ou=north", f"ou=nowhere,{UNITS}")
    with portal.refused(ldap.AFFECTS_MULTIPLE_DSAS):
        portal.ldap.rename_s(f"ou=north,{sales}", "ou=north", TREE)
    portal.ldap.delete_s(f"ou=below,ou=north,{sales}")
    portal.ldap.delete_s(f"ou=north,{sales}")
    assert portal.names(UNITS) == {UNITS, sales, f"ou=it,{UNITS}"}


@blocking
def test_an_rdn_that_cannot_be_is_refused(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    portal.add(LEA, cn="Lea", sn="Lund")
    cases: list[tuple[type[ldap.LDAPError], str, bool]] = [
        (ldap.ALREADY_EXISTS, "uid=ANNA", True),
        (ldap.NAMING_VIOLATION, "cn=lia", True),
        (ldap.NAMING_VIOLATION, "uid=lia+cn=x", True),
        (ldap.CONSTRAINT_VIOLATION, "uid=lia", False),
        (ldap.INVALID_DN_SYNTAX, "uid=lia,ou=x", True),
        (ldap.INVALID_DN_SYNTAX, "lia", True),
    ]
    for error, rdn, delete_old in cases:
        with portal.refused(error):
            portal.ldap.rename_s(LEA, rdn, None, int(delete_old))
    portal.ldap.rename_s(LEA, "uid=Lea")
    assert portal.read(LEA, "uid") == {"uid": ["Lea"]}


@blocking
def test_people_move_in_the_tree_of_the_organizations(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    lea = f"uid=lea,ou=sales,{TREE}"
    portal.add(lea, cn="Lea", sn="Lund")
    portal.ldap.rename_s(lea, "uid=lea", f"ou=it,{TREE}")
    assert portal.names(TREE, "(uid=lea)") == {f"uid=lea,ou=it,{TREE}"}
    portal.ldap.rename_s(f"uid=lea,ou=it,{TREE}", "uid=lia", f"ou=people,{TREE}")
    assert portal.names(TREE, "(uid=l*)") == {f"uid=lia,ou=people,{TREE}"}
    with portal.refused(ldap.UNWILLING_TO_PERFORM, "source berlin"):
        portal.ldap.rename_s(f"uid=anna,ou=sales,{TREE}", "uid=anna", f"ou=it,{TREE}")


@blocking
def test_entries_in_the_words_of_active_directory_can_be_written(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    lea = f"CN=Lea Lund,CN=Users,{AD}"
    portal.add(lea, objectClass=["top", "person", "organizationalPerson", "user"], sAMAccountName="lea", mail="l@x")
    assert portal.read(lea, "userPrincipalName", "displayName") == {
        "userPrincipalName": ["lea@ad.test"],
        "displayName": ["Lea Lund"],
    }
    portal.modify(lea, (REPLACE, "userAccountControl", "514"))
    assert portal.names(AD, "(userAccountControl:1.2.840.113556.1.4.803:=2)") == {lea}
    portal.modify(lea, (REPLACE, "userAccountControl", "66048"))
    assert portal.read(lea, "userAccountControl") == {"userAccountControl": ["66048"]}
    portal.modify(lea, (REPLACE, "userAccountControl", "512"))
    portal.modify(lea, (REPLACE, "userAccountControl", "512"), (REPLACE, "userPrincipalName", "lea@ad.test"))  # as it is shown
    portal.modify(lea, (REPLACE, "userPrincipalName", "l.lund@mail.test"))
    assert portal.names(AD, "(userPrincipalName=L.Lund@mail.test)") == {lea}
    with portal.refused(ldap.CONSTRAINT_VIOLATION, "another entry has this userPrincipalName"):
        portal.modify(lea, (REPLACE, "userPrincipalName", "Anna@ad.test"))
    portal.modify(lea, (REPLACE, "displayName", "Lady Lund"))
    assert portal.read(lea, "cn", "displayName") == {"cn": ["Lea Lund"], "displayName": ["Lady Lund"]}
    mia = f"CN=Mia,CN=Users,{AD}"
    person = {"objectClass": ["user"], "sAMAccountName": "mia", "userAccountControl": "512"}
    with portal.refused(ldap.CONSTRAINT_VIOLATION, "another entry has this userPrincipalName"):
        portal.add(mia, **person, userPrincipalName="l.lund@mail.test")
    portal.add(mia, **person, userPrincipalName="mia@ad.test", primaryGroupID="513")
    portal.ldap.delete_s(mia)
    circle = f"CN=Circle,OU=Groups,{AD}"
    with portal.refused(ldap.CONSTRAINT_VIOLATION, "groupType is computed"):
        portal.add(circle, objectClass=["group"], groupType="2")
    portal.add(circle, objectClass=["top", "group"], groupType="-2147483646", member=lea)
    assert portal.read(circle, "member") == {"member": [lea]}
    portal.ldap.delete_s(lea)


@blocking
def test_a_password_is_kept_as_a_hash_and_lets_its_owner_in(desk: WritableWorld, serving: Serving) -> None:
    portal, clerk = Client(serving, desk.portal), Client(serving, desk.clerk)
    portal.add(LEA, cn="Lea", sn="Lund", userPassword="correct horse")
    assert "userPassword" not in portal.read(LEA)
    lea = Client(serving, None)
    lea.ldap.simple_bind_s(LEA, "correct horse")
    portal.modify(LEA, (REPLACE, "userPassword", "battery staple"), (REPLACE, "title", "Queen"))
    with lea.refused(ldap.INVALID_CREDENTIALS):
        lea.ldap.simple_bind_s(LEA, "correct horse")
    lea.ldap.simple_bind_s(LEA, "battery staple")
    with portal.refused(ldap.CONSTRAINT_VIOLATION, "too short"):
        portal.modify(LEA, (REPLACE, "userPassword", "x"), (REPLACE, "title", "King"))
    with portal.refused(ldap.CONSTRAINT_VIOLATION, "hand over the password itself"):
        portal.modify(LEA, (REPLACE, "userPassword", "{SSHA}abcdefghijkl"))
    assert portal.read(LEA, "title") == {"title": ["Queen"]}
    with clerk.refused(ldap.INSUFFICIENT_ACCESS, 'grant "passwords"'):
        clerk.modify(LEA, (REPLACE, "userPassword", "battery staple"))
    with portal.refused(ldap.UNWILLING_TO_PERFORM, "password of this user comes from the source berlin"):
        portal.modify(ANNA, (REPLACE, "userPassword", "battery staple"))
    portal.modify(LEA, (REPLACE, "userPassword", "{curly battery"))
    lea.ldap.simple_bind_s(LEA, "{curly battery")
    portal.modify(LEA, (DELETE, "userPassword", None))
    with lea.refused(ldap.INVALID_CREDENTIALS):
        lea.ldap.simple_bind_s(LEA, "battery staple")
    stored = desk.database.read_blocking(lambda c: users.get(c, users.id_by_username(c, "lea") or ""))
    assert stored is not None
    assert "battery" not in repr(stored)


@blocking
def test_an_assertion_and_the_write_are_one(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    portal.add(LEA, cn="Lea", sn="Lund", title="Queen")

    def change(title: str, text: str) -> None:
        control = ldap.controls.RequestControl("1.3.6.1.1.12", True, Assertion(parse(text)).encode())
        portal.ldap.modify_ext_s(LEA, [(REPLACE, "title", [title.encode()])], [control])

    change("King", "(title=queen)")
    with portal.refused(ldap.ASSERTION_FAILED):
        change("Jack", "(title=queen)")
    assert portal.read(LEA, "title") == {"title": ["King"]}


@blocking
def test_on_behalf_of_somebody_who_may_not_write_nothing_is_written(desk: WritableWorld, serving: Serving) -> None:
    proxy = Client(serving, desk.proxy)
    control = ProxyAuthzControl(True, f"dn:{ANNA}".encode())
    with proxy.refused(ldap.UNWILLING_TO_PERFORM, "not written through the gateway"):
        proxy.ldap.modify_ext_s(ANNA, [(REPLACE, "preferredLanguage", [b"A"])], [control])


@blocking
def test_pre_read_and_post_read_are_refused_when_they_are_critical(desk: WritableWorld, serving: Serving) -> None:
    portal = Client(serving, desk.portal)
    for oid in ("1.3.6.1.1.13.1", "1.3.6.1.1.13.2"):
        control = ldap.controls.RequestControl(oid, True, b"\x30\x00")
        with portal.refused(ldap.UNAVAILABLE_CRITICAL_EXTENSION):
            portal.ldap.delete_ext_s(ANNA, [control])


@blocking
def test_the_tools_of_openldap_write(desk: WritableWorld, serving: Serving) -> None:
    def run(name: str, *arguments: str, text: str = "") -> int:
        return tool(name, serving.url, desk.portal, *arguments, text=text).returncode

    entry = f"dn: {LEA}\nobjectClass: inetOrgPerson\nuid: lea\ncn: Lea\nsn: Lund\n"
    assert run("ldapadd", text=entry) == 0
    assert run("ldapadd", text=entry) == ldap.ALREADY_EXISTS.errnum
    change = f"dn: {LEA}\nchangetype: modify\nadd: mail\nmail: l@x\n-\nreplace: title\ntitle: Queen\n"
    assert run("ldapmodify", text=change) == 0
    assert run("ldapmodrdn", "-r", LEA, "uid=lia") == 0
    assert Client(serving, desk.portal).read(f"uid=lia,{PEOPLE}", "mail", "title") == {"mail": ["l@x"], "title": ["Queen"]}
    assert run("ldapdelete", f"uid=lia,{PEOPLE}") == 0
    assert run("ldapdelete", f"uid=lia,{PEOPLE}") == ldap.NO_SUCH_OBJECT.errnum
    assert run("ldapdelete", ANNA) == ldap.UNWILLING_TO_PERFORM.errnum


@blocking
def test_two_clients_that_count_by_assertions_lose_nothing(desk: WritableWorld, serving: Serving) -> None:
    posix = {"uidNumber": "0", "gidNumber": "1", "homeDirectory": "/"}
    portal = Client(serving, desk.portal)
    portal.add(LEA, objectClass=[*PERSON, "posixAccount"], cn="Lea", sn="Lund", **posix)

    def count() -> None:
        client = Client(serving, desk.portal)
        done = 0
        while done < 10:
            [value] = client.read(LEA, "uidNumber")["uidNumber"]
            control = ldap.controls.RequestControl("1.3.6.1.1.12", True, Assertion(parse(f"(uidNumber={value})")).encode())
            try:
                client.ldap.modify_ext_s(LEA, [(REPLACE, "uidNumber", [b"%d" % (int(value) + 1)])], [control])
            except ldap.ASSERTION_FAILED:
                continue
            done += 1

    with ThreadPoolExecutor(3) as pool:
        for counting in [pool.submit(count) for _ in range(3)]:
            counting.result()
    assert portal.read(LEA, "uidNumber") == {"uidNumber": ["30"]}


@blocking
def test_a_write_is_answered_in_time_though_the_view_cannot_follow(
    desk: WritableWorld, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.directory.read_your_writes.VIEW_SECONDS", 0.2)
    portal = Client(serving, desk.portal)
    [path] = desk.folder.glob("view-main-*.sqlite")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        portal.add(LEA, cn="Lea", sn="Lund")
        assert not portal.names(PEOPLE, "(uid=lea)")
    finally:
        holder.rollback()
        holder.close()
    portal.modify(LEA_IN_TREE, (REPLACE, "title", "Queen"))
    eventually(lambda: portal.names(PEOPLE, "(uid=lea)") == {LEA}, "the view follows")
