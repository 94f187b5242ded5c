"""Reading a real slapd without following it: full reads, and refreshes from a stored cookie in all the ways slapd answers."""

import base64
import json
from dataclasses import replace

import pytest

from gateway.connectors.ldap.client.settings import KindSettings
from gateway.connectors.ldap.openldap.settings import OpenLDAPMode, openldap_kind_settings
from gateway.model.deltas import DeltaType, Watermark
from gateway.model.ldap import dn as names
from gateway.model.mapping.inbound import default_mapping
from gateway.model.objects import Kind
from gateway.model.records import Reference, ReferenceForm
from tests.conftest import StartSlapd
from tests.connectors.openldap_upstream import add_group, add_person, add_unit, kinds, settings, source
from tests.connectors.record_replica import RecordReplica
from tests.servers.people import people
from tests.servers.slapd import Slapd

SESSION_LOGS = ("none", "memory", "accesslog")


def with_cookie(mark: Watermark | None, cookie: bytes) -> Watermark:
    """The watermark with this cookie for every kind."""
    stored = json.loads(mark or b"")
    for kind in stored["kinds"].values():
        kind["cookie"] = base64.b64encode(cookie).decode()
    return Watermark(json.dumps(stored).encode())


def test_the_first_read_compares_each_kind_in_full_organizations_first(slapd: Slapd) -> None:
    add_unit(slapd, "sales")
    ada = add_person(slapd, "ada", "ou=sales,ou=people", mail=["ada@example.test", "a@example.test"])
    add_group(slapd, "staff", ada)
    replica = RecordReplica().read(source(slapd))
    assert [batch.completes for batch in replica.batches] == [{Kind.ORGANIZATION}, {Kind.USER}, {Kind.GROUP}]
    assert [batch.caught_up for batch in replica.batches] == [False, False, True]
    user = replica.named("ada")
    assert (user.dn, user.attributes["email"]) == (ada, ("ada@example.test", "a@example.test"))
    assert replica.named("staff").references["members"] == (Reference(ReferenceForm.DN, names.key(ada)),)


def test_the_external_id_is_the_entry_uuid(slapd: Slapd) -> None:
    ada = add_person(slapd, "ada")
    with slapd.connect() as connection:
        connection.search(ada, "(objectClass=*)", attributes=["entryUUID"])
        (uuid,) = connection.entries[0]["entryUUID"].values
    assert RecordReplica().read(source(slapd)).named("ada").external_id == uuid.strip("{}")


def test_the_base_of_the_organizations_is_not_an_organization(slapd: Slapd) -> None:
    add_unit(slapd, "sales")
    assert RecordReplica().read(source(slapd)).names(Kind.ORGANIZATION) == {"sales"}


def test_a_large_read_comes_in_batches_of_which_only_the_last_of_a_kind_has_a_watermark(start_slapd: StartSlapd) -> None:
    replica = RecordReplica().read(source(start_slapd(ldif=people(1200, 12, 100))))
    users = [batch for batch in replica.batches if batch.deltas and batch.deltas[0].kind is Kind.USER]
    assert [batch.watermark is not None for batch in users] == [False, False, True]
    assert [batch.begins == {Kind.USER} for batch in users] == [True, False, False]
    assert (len(replica.names(Kind.USER)), len(replica.names(Kind.GROUP))) == (1200, 12)


@pytest.mark.parametrize("session_log", SESSION_LOGS)
@pytest.mark.parametrize("restarted", [False, True])
def test_a_refresh_with_a_cookie_reports_adds_changes_renames_and_deletes(
    start_slapd: StartSlapd, session_log: str, restarted: bool
) -> None:
    slapd = start_slapd(session_log=session_log)
    ada, bob, eve = (add_person(slapd, uid) for uid in ("ada", "bob", "eve"))
    add_unit(slapd, "sales")
    replica = RecordReplica().read(source(slapd))
    identity = replica.named("bob").external_id
    slapd.modify(ada, {"title": ["Countess"]})
    slapd.rename(bob, "uid=robert", f"ou=sales,ou=people,{slapd.suffix}")
    slapd.delete(eve)
    add_person(slapd, "zoe")
    if restarted:
        slapd.restart()
    replica.read(source(slapd))
    assert replica.names(Kind.USER) == {"ada", "robert", "zoe"}
    assert replica.named("ada").attributes["title"] == ("Countess",)
    assert replica.named("robert").external_id == identity
    assert replica.names(Kind.ORGANIZATION) == {"sales"}


@pytest.mark.parametrize("session_log", ["memory", "accesslog"])
def test_with_a_session_log_a_refresh_sends_only_what_changed(start_slapd: StartSlapd, session_log: str) -> None:
    slapd = start_slapd(session_log=session_log, ldif=people(300))
    replica = RecordReplica().read(source(slapd))
    gone = replica.named("user000007")
    slapd.delete(gone.dn)
    replica.read(source(slapd))
    assert set(replica.types) == {DeltaType.DELETE}  # one for each kind: slapd's log does not know what the entry was
    assert len(replica.names(Kind.USER)) == 299


def test_without_a_session_log_a_refresh_lists_what_is_present_and_compares(start_slapd: StartSlapd) -> None:
    slapd = start_slapd(session_log="none", ldif=people(1300))
    replica = RecordReplica().read(source(slapd))
    slapd.delete(replica.named("user000007").dn)
    slapd.modify(replica.named("user000008").dn, {"title": ["Boss"]})
    replica.read(source(slapd))
    assert "user000007" not in replica.names(Kind.USER)
    assert replica.named("user000008").attributes["title"] == ("Boss",)
    assert len(replica.names(Kind.USER)) == 1299
    assert replica.types.count(DeltaType.UPSERT) == 1


def test_a_refresh_without_changes_yields_no_deltas_and_keeps_its_place(slapd: Slapd) -> None:
    add_person(slapd, "ada")
    replica = RecordReplica().read(source(slapd)).read(source(slapd))
    assert replica.types == []
    assert not any(batch.begins or batch.completes for batch in replica.batches)


@pytest.mark.parametrize(
    "cookie",
    [
        b"rid=000",
        b"\xff\x00garbage",
        b"rid=000,sid=001,csn=20010101000000.000000Z#000000#001#000000",
        b"rid=000,sid=00f,csn=20010101000000.000000Z#000000#00f#000000",
        b"rid=000,sid=001,csn=20990101000000.000000Z#000000#001#000000",
    ],
    ids=["blank", "garbage", "very old", "unknown server", "of the future"],
)
def test_a_cookie_that_the_server_cannot_use_becomes_a_reconciliation(slapd: Slapd, cookie: bytes) -> None:
    add_person(slapd, "ada")
    eve = add_person(slapd, "eve")
    replica = RecordReplica().read(source(slapd))
    slapd.delete(eve)
    replica.watermark = with_cookie(replica.watermark, cookie)
    replica.read(source(slapd))
    assert replica.names(Kind.USER) == {"ada"}
    slapd.delete(replica.named("ada").dn)
    assert replica.read(source(slapd)).names(Kind.USER) == set()


@pytest.mark.parametrize("mark", [b"", b"garbage", b"{}", b'{"version": 1, "kinds": {"user": 5}}', b"[]"])
def test_a_watermark_that_is_not_ours_becomes_a_full_read(slapd: Slapd, mark: bytes) -> None:
    add_person(slapd, "ada")
    replica = RecordReplica()
    replica.watermark = Watermark(mark)
    assert replica.read(source(slapd)).batches[-1].completes == {Kind.GROUP}
    assert replica.names(Kind.USER) == {"ada"}


def test_changed_settings_of_one_kind_read_that_kind_in_full_and_the_others_on(slapd: Slapd) -> None:
    add_person(slapd, "ada", employeeNumber="7")
    replica = RecordReplica().read(source(slapd))
    changed = tuple(
        replace(kind, mapping=default_mapping(Kind.USER, {"badge": "employeeNumber"})) if kind.kind is Kind.USER else kind
        for kind in kinds(slapd)
    )
    replica.read(source(slapd, kinds=changed))
    assert [batch.completes for batch in replica.batches] == [set(), {Kind.USER}, set()]
    assert replica.named("ada").attributes["badge"] == ("7",)


def test_an_entry_that_no_longer_matches_the_filter_is_deleted(slapd: Slapd) -> None:
    ada = add_person(slapd, "ada", title="staff")
    staff: tuple[KindSettings, ...] = (openldap_kind_settings(Kind.USER, (f"ou=people,{slapd.suffix}",), "(title=staff)"),)
    replica = RecordReplica().read(source(slapd, kinds=staff))
    assert replica.names(Kind.USER) == {"ada"}
    slapd.modify(ada, {"title": ["guest"]})
    assert replica.read(source(slapd, kinds=staff)).names(Kind.USER) == set()


def test_several_bases_are_one_scope_into_and_out_of_which_entries_move(slapd: Slapd) -> None:
    for name in ("berlin", "paris", "archive"):
        add_unit(slapd, name)
    bases = tuple(f"ou={name},ou=people,{slapd.suffix}" for name in ("berlin", "paris"))
    chosen = (openldap_kind_settings(Kind.USER, bases), openldap_kind_settings(Kind.ORGANIZATION, bases))
    ada, bob = add_person(slapd, "ada", "ou=berlin,ou=people"), add_person(slapd, "bob", "ou=paris,ou=people")
    add_person(slapd, "old", "ou=archive,ou=people")
    replica = RecordReplica().read(source(slapd, kinds=chosen))
    assert (replica.names(Kind.USER), replica.names(Kind.ORGANIZATION)) == ({"ada", "bob"}, set())
    identity = replica.named("ada").external_id
    slapd.rename(ada, "uid=ada", bases[1])
    slapd.rename(bob, "uid=bob", f"ou=archive,ou=people,{slapd.suffix}")
    replica.read(source(slapd, kinds=chosen))
    assert replica.names(Kind.USER) == {"ada"}
    assert replica.named("ada").external_id == identity


def test_refresh_mode_uses_the_cookie_and_never_follows(slapd: Slapd) -> None:
    add_person(slapd, "ada")
    reading = source(slapd, mode=OpenLDAPMode.REFRESH)
    replica = RecordReplica().read(reading)
    add_person(slapd, "bob")
    batches = list(reading.read(replica.watermark, follow=True))
    assert [delta.attributes["username"] for batch in batches for delta in batch.deltas] == [("bob",)]


def test_passwords_and_cookies_do_not_print(slapd: Slapd) -> None:
    replica = RecordReplica().read(source(slapd))
    assert slapd.reader.password not in repr(settings(slapd))
    assert "csn" not in repr(replica.batches)
