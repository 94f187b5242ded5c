"""Looking up one person at a slapd: who is found, what a strange name does, a server that is away or hangs, and the bounds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred, DeferredList

from gateway.connectors.ldap.client import user_lookup
from gateway.connectors.ldap.client.settings import Upstream
from gateway.connectors.ldap.client.user_lookup import (
    MAX_ENTRIES,
    MAX_LOGIN_CHARACTERS,
    MAX_LOOKUPS,
    LdapUserLookup,
    UserLookupSettings,
)
from gateway.connectors.ldap.openldap.entry_to_delta import OpenLDAPEntryMapper
from gateway.connectors.ldap.openldap.settings import OpenLDAPSettings, openldap_kind_settings
from gateway.model.errors import SourceUnavailable
from gateway.model.objects import Kind
from gateway.twisted_internals.reactor import installed
from tests.conftest import StartSlapd
from tests.servers.people import READER_PASSWORD, people, person_dn
from tests.servers.slapd import Slapd


@pytest.fixture
def slapd(start_slapd: StartSlapd) -> Slapd:
    return start_slapd(ldif=people(20))


def made(slapd: Slapd, *, seconds: float = 5.0, password: str = READER_PASSWORD, bases: tuple[str, ...] = ()) -> LdapUserLookup:
    upstream = Upstream(urls=(slapd.url,), bind_dn=slapd.reader.dn, password=password)
    users = openldap_kind_settings(Kind.USER, bases or (f"ou=people,{slapd.suffix}",))
    mapper = OpenLDAPEntryMapper(OpenLDAPSettings(id="hr", upstream=upstream, kinds=(users,)), users)
    settings = UserLookupSettings(
        id="hr",
        upstream=upstream,
        bases=users.top_bases,
        filter=users.filter,
        login_attributes=("uid",),
        attributes=mapper.identified_attributes,
        seconds=seconds,
    )
    return LdapUserLookup(settings, mapper.to_delta, installed())


@pytest.fixture
def lookup(slapd: Slapd) -> Iterator[LdapUserLookup]:
    one = made(slapd)
    yield one
    one.close()


@ensureDeferred
async def test_a_person_is_found_as_the_source_would_report_them(slapd: Slapd, lookup: LdapUserLookup) -> None:
    (delta,) = await lookup.look_up("USER000003")
    assert delta.dn == person_dn(3)
    assert delta.attributes["username"] == ("user000003",)
    with slapd.connect() as connection:
        connection.search(person_dn(3), "(objectClass=*)", attributes=["entryUUID"])
        assert delta.external_id == connection.entries[0].entryUUID.value.strip("{}").lower()


@pytest.mark.parametrize(
    "login", ["nobody", "*", "user*", "user000003)(uid=*", "\\2a", "user000003\0", "", "ü" * 100], ids=repr
)
@ensureDeferred
async def test_an_unknown_name_finds_no_record(lookup: LdapUserLookup, login: str) -> None:
    assert not await lookup.look_up(login)


@ensureDeferred
async def test_a_name_over_the_limit_is_not_looked_up(slapd: Slapd, lookup: LdapUserLookup) -> None:
    await lookup.look_up("x" * MAX_LOGIN_CHARACTERS)
    await lookup.look_up("y" * (MAX_LOGIN_CHARACTERS + 1))
    assert "xxx" in slapd.log_text()
    assert "yyy" not in slapd.log_text()


@ensureDeferred
async def test_people_are_looked_for_below_every_base_and_nowhere_else(slapd: Slapd) -> None:
    both = made(slapd, bases=(f"ou=dept1,ou=people,{slapd.suffix}", f"ou=dept2,ou=people,{slapd.suffix}"))
    try:
        assert [len(await both.look_up(f"user00000{number}")) for number in (1, 2, 3)] == [1, 1, 0]
    finally:
        both.close()


@ensureDeferred
async def test_an_ambiguous_name_reads_two_entries_at_most(slapd: Slapd, lookup: LdapUserLookup) -> None:
    for number in range(MAX_ENTRIES + 2):
        values = {"uid": "twin", "cn": f"twin {number}", "sn": "x"}
        slapd.add(f"cn=twin {number},ou=people,{slapd.suffix}", "inetOrgPerson", values)
    assert len(await lookup.look_up("twin")) == MAX_ENTRIES


@ensureDeferred
async def test_a_connection_is_used_again_and_one_that_has_ended_is_no_failure(slapd: Slapd, lookup: LdapUserLookup) -> None:
    for _ in range(3):
        assert await lookup.look_up("user000001")
    assert slapd.log_text().count(f'BIND dn="{slapd.reader.dn}" method') == 1
    slapd.restart()
    assert await lookup.look_up("user000001")


@ensureDeferred
async def test_a_server_that_is_down_is_unavailable_and_soon_fails_at_once(slapd: Slapd, lookup: LdapUserLookup) -> None:
    slapd.stop()
    for _ in range(3):
        with pytest.raises(SourceUnavailable, match="no connection"):
            await lookup.look_up("user000001")
    with pytest.raises(SourceUnavailable, match="known to be down"):
        await lookup.look_up("user000001")


@ensureDeferred
async def test_a_server_that_hangs_is_unavailable_in_time(slapd: Slapd) -> None:
    hanging = made(slapd, seconds=0.2)
    try:
        slapd.suspend()
        with pytest.raises(SourceUnavailable):
            await hanging.look_up("user000001")
    finally:
        slapd.resume()
        hanging.close()


@ensureDeferred
async def test_an_account_that_may_not_look_is_unavailable_and_not_nobody(slapd: Slapd) -> None:
    for wrong in (made(slapd, password="wrong"), made(slapd, bases=(f"ou=nowhere,{slapd.suffix}",))):
        try:
            with pytest.raises(SourceUnavailable):
                await wrong.look_up("user000001")
        finally:
            wrong.close()


@ensureDeferred
async def test_so_many_names_are_looked_up_at_a_time(slapd: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_lookup, "CONNECTIONS", 1)
    lookup = made(slapd)
    slapd.suspend()
    try:
        waiting = [Deferred.fromCoroutine(lookup.look_up(f"user{number:06d}")) for number in range(MAX_LOOKUPS)]
        with pytest.raises(SourceUnavailable, match=f"{MAX_LOOKUPS} names are being looked up"):
            await lookup.look_up("user000001")
    finally:
        slapd.resume()
    answers = await DeferredList(waiting, consumeErrors=True)
    assert [good for good, _ in answers] == [True] * MAX_LOOKUPS
    lookup.close()


@ensureDeferred
async def test_close_ends_running_lookups(slapd: Slapd) -> None:
    lookup = made(slapd)
    assert await lookup.look_up("user000001")
    slapd.suspend()
    try:
        waiting = Deferred.fromCoroutine(lookup.look_up("user000002"))
        lookup.close()
        with pytest.raises(SourceUnavailable):
            await waiting
        with pytest.raises(SourceUnavailable):
            await lookup.look_up("user000003")
    finally:
        slapd.resume()
