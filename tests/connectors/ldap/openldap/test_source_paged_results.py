"""Servers without RFC 4533: paged full reads with a reconciliation."""

import pytest

from gateway.connectors.ldap.openldap.settings import OpenLDAPMode, openldap_kind_settings
from gateway.model.errors import SourceRefused
from gateway.model.objects import Kind
from tests.conftest import StartSlapd
from tests.connectors.openldap_upstream import add_group, add_person, kinds, settings, source
from tests.connectors.record_replica import RecordReplica
from tests.servers.people import people
from tests.servers.slapd import Slapd


def test_without_the_sync_control_everything_is_read_in_pages_and_compared(start_slapd: StartSlapd) -> None:
    slapd = start_slapd(syncprov=False, ldif=people(700, 3, 100))
    reading = source(slapd, page_size=100)
    replica = RecordReplica().read(reading)
    assert (len(replica.names(Kind.USER)), len(replica.names(Kind.GROUP)), len(replica.names(Kind.ORGANIZATION))) == (
        700,
        3,
        10,
    )
    identity = replica.named("user000001").external_id
    slapd.delete(replica.named("user000007").dn)
    slapd.rename(replica.named("user000001").dn, "uid=renamed")
    replica.read(reading)
    assert len(replica.names(Kind.USER)) == 699
    assert replica.named("renamed").external_id == identity
    assert slapd.log_text().count("SRCH") > 14


def test_without_the_sync_control_a_follower_ends_after_the_full_read(start_slapd: StartSlapd) -> None:
    batches = list(source(start_slapd(syncprov=False)).read(None, follow=True))
    assert [batch.caught_up for batch in batches] == [False, False, True]


def test_mode_poll_reads_in_full_although_the_server_offers_more(slapd: Slapd) -> None:
    add_person(slapd, "ada")
    replica = RecordReplica().read(source(slapd, mode=OpenLDAPMode.POLL))
    replica.read(source(slapd, mode=OpenLDAPMode.POLL))
    assert replica.batches[-1].completes == {Kind.GROUP}
    assert replica.names(Kind.USER) == {"ada"}


@pytest.mark.parametrize("mode", [OpenLDAPMode.PERSIST, OpenLDAPMode.REFRESH])
def test_a_mode_that_needs_the_sync_control_is_refused_without_it(start_slapd: StartSlapd, mode: OpenLDAPMode) -> None:
    with pytest.raises(SourceRefused, match=r'does not offer RFC 4533: load syncprov at the server, or set mode = "poll"'):
        next(source(start_slapd(syncprov=False), mode=mode).read(None, follow=True))


def test_another_id_attribute_is_read_by_polling(slapd: Slapd) -> None:
    ada = add_person(slapd, "ada", employeeNumber="E7")
    users = (kinds(slapd)[0],)
    replica = RecordReplica().read(source(slapd, kinds=users, id_attribute="employeeNumber"))
    assert replica.named("ada").external_id == "e7"
    slapd.rename(ada, "uid=countess")
    assert replica.read(source(slapd, kinds=users, id_attribute="employeeNumber")).named("countess").external_id == "e7"


def test_each_kind_may_have_an_id_attribute_of_its_own(slapd: Slapd) -> None:
    """Groups have no employeeNumber: one attribute for all kinds would stop the read."""
    ada = add_person(slapd, "ada", employeeNumber="E7")
    add_group(slapd, "staff", ada)
    by_uuid = RecordReplica().read(source(slapd))
    replica = RecordReplica().read(source(slapd, id_attributes={Kind.USER: "employeeNumber"}))
    assert replica.named("ada").external_id == "e7"
    assert replica.named("staff").external_id == by_uuid.named("staff").external_id


def test_the_id_attribute_of_a_kind_is_part_of_its_own_fingerprint_alone(slapd: Slapd) -> None:
    user, _, group = kinds(slapd)
    plain, other = settings(slapd), settings(slapd, id_attributes={Kind.USER: "employeeNumber"})
    assert other.fingerprint(user) != plain.fingerprint(user)
    assert other.fingerprint(group) == plain.fingerprint(group)


def test_an_entry_without_the_id_attribute_stops_the_read_instead_of_being_deleted(slapd: Slapd) -> None:
    ada = add_person(slapd, "ada", employeeNumber="E7")
    users = (kinds(slapd)[0],)
    replica = RecordReplica().read(source(slapd, kinds=users, id_attribute="employeeNumber"))
    slapd.modify(ada, {"employeeNumber": []})
    with pytest.raises(SourceRefused, match=r"source hr: uid=ada,.* shows no employeenumber"):
        replica.read(source(slapd, kinds=users, id_attribute="employeeNumber"))
    assert replica.names(Kind.USER) == {"ada"}


def test_several_bases_are_read_by_one_search_of_which_the_rest_is_out_of_scope(start_slapd: StartSlapd) -> None:
    slapd = start_slapd(syncprov=False, ldif=people(100))
    bases = tuple(f"ou=dept{number},ou=people,{slapd.suffix}" for number in (1, 2))
    replica = RecordReplica().read(source(slapd, kinds=(openldap_kind_settings(Kind.USER, bases),)))
    assert {name[-1] for name in replica.names(Kind.USER)} == {"1", "2"}
    assert len(replica.names(Kind.USER)) == 20
