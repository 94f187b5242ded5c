"""The counterparts keep their promises: what other tests take for granted about them is checked here, once."""

from __future__ import annotations

import ssl
from typing import Any

import ldap3
import psycopg
import pytest
import pytest_twisted
from ldap3.core.exceptions import LDAPInvalidCredentialsResult, LDAPSessionTerminatedByServerError, LDAPSocketOpenError
from twisted.internet import reactor, task

from gateway.twisted_internals.turn_reactor import TurnReactor
from tests.conftest import StartSlapd
from tests.servers.people import group_dn, people, person_dn, person_password
from tests.servers.pki import Pki
from tests.servers.postgres import Postgres
from tests.servers.processes import MissingProgramError, accepts, program
from tests.servers.slapd import Slapd
from tests.servers.slapd_configuration import Account

SYNC_REQUEST = "1.3.6.1.4.1.4203.1.9.1.1"


def search(connection: Any, base: str, text: str, scope: str = ldap3.SUBTREE, attributes: Any = ("1.1",)) -> list[Any]:
    connection.search(base, text, scope, attributes=list(attributes), dereference_aliases=ldap3.DEREF_NEVER)
    return [entry for entry in connection.response if entry["type"] == "searchResEntry"]


def supported_controls(server: Slapd) -> list[bytes]:
    with server.connect() as connection:
        root = search(connection, "", "(objectClass=*)", ldap3.BASE, ["supportedControl"])
    values: list[bytes] = root[0]["raw_attributes"]["supportedControl"]
    return values


def test_a_fresh_slapd_holds_the_base_tree_and_lets_the_reader_read_it(slapd: Slapd) -> None:
    with slapd.connect(slapd.reader) as connection:
        found = {entry["dn"] for entry in search(connection, slapd.suffix, "(objectClass=*)")}
    assert found == {slapd.suffix} | {f"{rdn},{slapd.suffix}" for rdn in ("cn=reader", "ou=people", "ou=groups")}


def test_slapd_keeps_its_port_and_its_data_over_a_restart(slapd: Slapd) -> None:
    slapd.add(f"uid=a,ou=people,{slapd.suffix}", "inetOrgPerson", {"cn": "A", "sn": "A"})
    before = slapd.url
    slapd.restart()
    assert slapd.url == before
    with slapd.connect() as connection:
        assert len(search(connection, slapd.suffix, "(uid=a)")) == 1


@pytest.mark.parametrize(("syncprov", "advertised"), [(True, True), (False, False)])
def test_the_sync_control_is_advertised_when_syncprov_is_on(start_slapd: StartSlapd, syncprov: bool, advertised: bool) -> None:
    assert (SYNC_REQUEST.encode() in supported_controls(start_slapd(syncprov=syncprov))) is advertised


@pytest.mark.parametrize("session_log", ["none", "memory", "accesslog"])
def test_every_kind_of_session_log_starts_and_takes_writes(start_slapd: StartSlapd, session_log: str) -> None:
    server = start_slapd(session_log=session_log)
    dn = f"uid=a,ou=people,{server.suffix}"
    server.add(dn, "inetOrgPerson", {"cn": "A", "sn": "A"})
    server.delete(dn)
    server.restart()
    assert SYNC_REQUEST.encode() in supported_controls(server)


def test_generated_people_can_be_loaded_and_can_bind(start_slapd: StartSlapd) -> None:
    server = start_slapd(ldif=people(30, groups=3, members=10))
    with server.connect(Account(person_dn(7), person_password(7))) as connection:
        assert len(search(connection, server.suffix, "(objectClass=inetOrgPerson)")) == 30
        assert len(search(connection, server.suffix, f"(member={person_dn(7)})")) == 1
    with pytest.raises(LDAPInvalidCredentialsResult):
        server.connect(Account(person_dn(7), "wrong"))


def test_entries_are_loaded_into_a_running_server(slapd: Slapd) -> None:
    slapd.load(people(5, organizations=1))
    with slapd.connect() as connection:
        assert len(search(connection, slapd.suffix, "(uid=user*)")) == 5


def test_memberof_and_refint_follow_what_is_written_over_ldap(slapd: Slapd) -> None:
    dn = f"uid=a,ou=people,{slapd.suffix}"
    slapd.add(dn, "inetOrgPerson", {"cn": "A", "sn": "A"})
    slapd.add(group_dn(0), "groupOfNames", {"cn": "group00000", "member": [dn]})
    renamed = slapd.rename(dn, "uid=b")
    with slapd.connect() as connection:
        assert len(search(connection, slapd.suffix, f"(&(uid=b)(memberOf={group_dn(0)}))")) == 1
        assert len(search(connection, slapd.suffix, f"(member={renamed})")) == 1


def test_values_are_added_deleted_and_replaced(slapd: Slapd) -> None:
    dn = f"ou=people,{slapd.suffix}"
    slapd.modify(dn, {"description": ["one", "two"]})
    slapd.add_values(dn, {"description": ["three"]})
    slapd.delete_values(dn, {"description": ["one"]})
    with slapd.connect() as connection:
        entry = search(connection, dn, "(objectClass=*)", ldap3.BASE, ["description"])[0]
    assert sorted(entry["raw_attributes"]["description"]) == [b"three", b"two"]


@pytest.mark.parametrize("authority", ["ca", "wrong_ca"])
def test_slapd_offers_tls_that_only_the_right_authority_vouches_for(slapd: Slapd, pki: Pki, authority: str) -> None:
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(getattr(pki, authority)))
    connection = ldap3.Connection(ldap3.Server(slapd.ldaps_url, tls=tls, get_info=ldap3.NONE), auto_bind=False)
    if authority == "ca":
        connection.open()
        connection.unbind()
    else:
        with pytest.raises(LDAPSocketOpenError):
            connection.open()


def test_a_suspended_slapd_accepts_connections_and_answers_only_after_it_is_resumed(slapd: Slapd) -> None:
    with slapd.connect() as connection:
        slapd.suspend()
        assert accepts(slapd.port)
        slapd.resume()
        assert search(connection, slapd.suffix, "(ou=people)")


def test_a_killed_slapd_is_gone_at_once(slapd: Slapd) -> None:
    connection = slapd.connect()
    slapd.kill()
    assert not accepts(slapd.port)
    with pytest.raises(LDAPSessionTerminatedByServerError):
        search(connection, slapd.suffix, "(ou=people)")
    connection.unbind()


def test_the_log_of_slapd_tells_who_bound(slapd: Slapd) -> None:
    slapd.connect(slapd.reader).unbind()
    assert f'BIND dn="{slapd.reader.dn}"' in slapd.log_text()


def test_secrets_of_the_counterparts_do_not_print(slapd: Slapd) -> None:
    assert slapd.admin.password not in repr(slapd.admin)


def test_every_database_is_fresh_and_takes_writes(postgres: Postgres, postgres_database: str) -> None:
    with psycopg.connect(postgres_database.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE t (n integer)")
        connection.execute("INSERT INTO t VALUES (1)")
        assert connection.execute("SELECT n FROM t").fetchall() == [(1,)]


def test_postgres_keeps_its_port_and_its_data_over_a_restart(postgres: Postgres, postgres_database: str) -> None:
    url = postgres_database.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE t (n integer)")
    postgres.restart()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchall() == [(0,)]


def test_a_missing_program_is_an_error_that_names_the_debian_package() -> None:
    with pytest.raises(MissingProgramError, match="package slapd-nowhere"):
        program("no-such-server", "slapd-nowhere")


@pytest_twisted.ensureDeferred
async def test_asynchronous_tests_run_on_the_reactor_that_serves() -> None:
    await task.deferLater(reactor, 0)
    assert isinstance(reactor, TurnReactor)
