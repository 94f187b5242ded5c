"""Proxied authorization (RFC 4370)."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from uuid import uuid4

import pytest

from gateway.directory.directory import Directory
from gateway.directory.projection.view_kinds import active_directory
from gateway.model.applications import Scope
from gateway.model.ldap.dn import DN
from gateway.store.clients import applications
from gateway.store.engine.database import Connection
from gateway.wire import controls, oids
from gateway.wire.controls.bind_and_update import ProxiedAuthorization
from gateway.wire.messages import (
    BindResponse,
    CompareRequest,
    CompareResponse,
    Control,
    DelRequest,
    DelResponse,
    ExtendedRequest,
    ExtendedResponse,
)
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.bind_names_world import application_name, granted
from tests.frontends.ldap.client_programs import tool
from tests.frontends.ldap.company import ANN, BASE, BOB, STAFF, object_id
from tests.frontends.ldap.conftest import Serve
from tests.frontends.ldap.serving import Account, Serving, World, blocking, eventually
from tests.frontends.ldap.wire_client import WireClient, bind_request, connected, search_request

WHO_AM_I = ExtendedRequest(oids.WHO_AM_I)
DENIED = ResultCode.AUTHORIZATION_DENIED


def acting_as(authz_id: str, *, critical: bool = True) -> Control:
    return controls.control(ProxiedAuthorization(authz_id), critical)


@pytest.fixture(scope="module")
def proxy(world: World) -> Account:
    return granted(world, "proxy", "write")


def who(client: WireClient, *with_controls: Control) -> str | int:
    answer = client.ask(WHO_AM_I, with_controls)
    assert isinstance(answer, ExtendedResponse)
    return (answer.value or b"").decode() if answer.result.code == 0 else answer.result.code


@blocking
def test_one_operation_is_carried_out_as_somebody_else_and_the_next_as_oneself(serving: Serving, proxy: Account) -> None:
    with connected(serving, proxy) as client:
        assert who(client, acting_as(f"dn:{ANN}")) == f"dn:{ANN}"
        assert who(client, acting_as("u:ann")) == f"dn:{ANN}"
        assert who(client, acting_as("")) == ""
        assert who(client) == f"dn:{proxy.dn}"


@blocking
def test_a_search_sees_what_the_person_sees(serving: Serving, proxy: Account) -> None:
    with connected(serving, proxy) as client:
        for text in ("(uid=*)", "(uid=ann)", "(objectClass=person)"):
            entries, done = client.search(search_request(BASE, text), acting_as("u:ann"))
            assert ([entry.object_name for entry in entries], done.code) == ([ANN], 0)
        assert client.search(search_request(BOB, scope=0), acting_as("u:ann"))[1].code == ResultCode.NO_SUCH_OBJECT
        assert client.search(search_request(BASE), acting_as(""))[1].code == ResultCode.INSUFFICIENT_ACCESS_RIGHTS
        assert len(client.search(search_request(BASE, "(|(uid=ann)(uid=bob))"))[0]) == 2


@blocking
def test_acting_for_a_person_shows_no_more_than_the_application_may_read_itself(serving: Serving, world: World) -> None:
    asked = ("*", "memberOf")
    shown: dict[str, set[str]] = {}
    rights_of: dict[str, dict[str, object]] = {
        "all": {},
        "names": {"attributes": ("cn",)},
        "no groups": {"scope": Scope((object_id("Sales"),), ())},
    }
    for name, rights in rights_of.items():
        with connected(serving, granted(world, "proxy", **rights)) as client:
            (entry,), _ = client.search(search_request(BASE, "(cn=Ann M.)", attributes=asked), acting_as("u:ann"))
            shown[name] = {attribute.type for attribute in entry.attributes}
            found = client.search(search_request(BASE, "(mail=ann@example.test)"), acting_as("u:ann"))[0]
            assert bool(found) is ("mail" in shown[name])
            compared = client.ask(CompareRequest(ANN, "memberOf", STAFF.encode()), (acting_as("u:ann"),))
            assert isinstance(compared, CompareResponse)
            assert (compared.result.code == ResultCode.COMPARE_TRUE) is ("memberOf" in shown[name])
    assert shown["names"] == {"objectClass", "cn"}
    assert {"mail", "memberOf"} <= shown["all"]
    assert shown["no groups"] == shown["all"] - {"memberOf"}


@blocking
def test_compare_and_writes_are_the_persons(serving: Serving, proxy: Account) -> None:
    with connected(serving, proxy) as client:
        for dn, expected in ((ANN, ResultCode.COMPARE_TRUE), (BOB, ResultCode.NO_SUCH_OBJECT)):
            answer = client.ask(CompareRequest(dn, "uid", dn[4:7].encode()), (acting_as("u:ann"),))
            assert isinstance(answer, CompareResponse) and answer.result.code == expected
        answer = client.ask(DelRequest(ANN), (acting_as("u:ann"),))
        assert isinstance(answer, DelResponse) and answer.result.code == ResultCode.UNWILLING_TO_PERFORM


@blocking
def test_who_may_not_is_denied_and_who_is_not_is_denied_alike(serving: Serving, proxy: Account) -> None:
    with connected(serving, proxy) as client:
        for authz_id in ("u:nobody", f"dn:uid=nobody,{BASE}", "dn:nonsense", "nonsense", f"dn:{serving.portal.dn}"):
            assert who(client, acting_as(authz_id)) == DENIED
        for account in (serving.portal, serving.ann, Account("", "")):
            assert client.bind(account) == 0
            assert who(client, acting_as("u:ann")) == DENIED
            assert client.search(search_request(BASE, "(uid=ann)"), acting_as("u:ann"))[1].code == DENIED


@blocking
def test_the_control_must_be_critical_readable_and_where_it_may_be(serving: Serving, proxy: Account) -> None:
    with connected(serving, proxy) as client:
        assert who(client, acting_as("u:ann", critical=False)) == ResultCode.PROTOCOL_ERROR
        assert who(client, Control(oids.PROXIED_AUTHORIZATION, True)) == ResultCode.PROTOCOL_ERROR
        assert who(client, Control(oids.PROXIED_AUTHORIZATION, True, b"\xff")) == ResultCode.PROTOCOL_ERROR
        answer = client.ask(ExtendedRequest(oids.START_TLS), (acting_as("u:ann"),))
        assert isinstance(answer, ExtendedResponse)
        assert answer.result.code == ResultCode.UNAVAILABLE_CRITICAL_EXTENSION
        bound = client.ask(bind_request(proxy), (acting_as("u:ann"),))
        assert isinstance(bound, BindResponse)
        assert bound.result.code == ResultCode.UNAVAILABLE_CRITICAL_EXTENSION


@blocking
def test_pipelined_operations_are_each_their_own_partys(serving: Serving, proxy: Account) -> None:
    with connected(serving, proxy) as client:
        asked: dict[int, str] = {}
        for number in range(100):
            name = ("", f"dn:{ANN}", f"dn:{BOB}")[number % 3]
            with_controls = (acting_as(name),) if name else ()
            asked[client.send(WHO_AM_I, controls=with_controls)[0]] = name or f"dn:{proxy.dn}"
        for _ in range(len(asked)):
            message = client.receive()
            assert isinstance(message.operation, ExtendedResponse)
            assert (message.operation.value or b"").decode() == asked.pop(message.message_id)


@blocking
def test_ldapwhoami_and_ldapsearch_act_as_a_person(serving: Serving, proxy: Account) -> None:
    done = tool("ldapwhoami", serving.url, proxy, "-e", "!authzid=u:ann")
    assert done.stdout.strip() == f"dn:{ANN}", done.stderr
    done = tool("ldapsearch", serving.url, proxy, "-e", f"!authzid=dn:{ANN}", "-LLL", "-b", BASE, "(uid=*)", "1.1")
    assert done.stdout.split("\n")[0] == f"dn: {ANN}", done.stderr


def shown_domain(client: WireClient, *with_controls: Control) -> set[str]:
    """The attributes by which the root DSE names an Active Directory domain."""
    names = ("defaultNamingContext", "rootDomainNamingContext")
    (entry,), done = client.search(search_request("", scope=0, attributes=names), *with_controls)
    assert done.code == 0
    return {value.decode() for attribute in entry.attributes for value in attribute.values}


@blocking
def test_the_root_dse_shows_the_views_of_the_party_that_is_acted_for(serve: Serve, world: World) -> None:
    domain = SimpleNamespace(view=active_directory("ad", DN.parse("dc=ad,dc=test")), reader=None)
    both = Directory([world.follower, domain])
    serving = serve(directory=both, served=both)
    proxy = world.application(f"app{uuid4().hex[:8]}", grants=("proxy",), views=("ad", "openldap"))
    with connected(serving, proxy) as client:
        assert shown_domain(client) == {"dc=ad,dc=test"}
        assert shown_domain(client, acting_as(f"dn:{ANN}")) == set()
        assert shown_domain(client) == {"dc=ad,dc=test"}


# ---- rights that end


def changed(world: World, account: Account, work: Callable[[Connection, str], object]) -> None:
    def by_name(connection: Connection) -> None:
        found = applications.by_name(connection, application_name(account))
        assert found is not None
        work(connection, found.id)

    world.database.write_blocking(by_name)


@blocking
def test_an_open_connection_gets_the_new_rights_of_its_application(serving: Serving, world: World) -> None:
    account = granted(world)
    with connected(serving, account) as client:
        assert len(client.search(search_request(BASE, "(|(uid=ann)(uid=dave))"))[0]) == 2
        sales = Scope((object_id("Sales"),), ())
        changed(world, account, lambda c, one: applications.set_rights(c, one, sales, (), ["cn"]))
        # Searching all the time instead would be one that is under way with the old rights: that ends the connection.
        readable = frozenset({"cn"})
        eventually(lambda: [one.party.access.attributes for one in serving.server.connections] == [readable])
        assert len(client.search(search_request(BASE, "(|(cn=Ann*)(cn=Dave*))"))[0]) == 1
        (entry,), _ = client.search(search_request(BASE, "(cn=Ann M.)"))
        assert {attribute.type for attribute in entry.attributes} == {"objectClass", "cn"}


@pytest.mark.parametrize("what", ["disabled", "removed", "new secret"])
@blocking
def test_an_open_connection_ends_with_the_rights_of_its_application(serving: Serving, world: World, what: str) -> None:
    account = granted(world)
    work: dict[str, Callable[[Connection, str], object]] = {
        "disabled": lambda c, one: applications.set_enabled(c, one, False),
        "removed": applications.remove,
        "new secret": applications.replace_secret,
    }
    with connected(serving, account) as client, connected(serving, serving.portal) as other:
        changed(world, account, work[what])
        assert client.notice().code == ResultCode.STRONGER_AUTH_REQUIRED
        assert who(other) == f"dn:{serving.portal.dn}"
        assert other.bind(account) == ResultCode.INVALID_CREDENTIALS
