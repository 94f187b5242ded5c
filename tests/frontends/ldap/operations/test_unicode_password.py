"""unicodePwd, by python-ldap over TLS: resets by an application, changes by the old password, and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ldap
import pytest
import pytest_twisted
from ldap.controls.libldap import AssertionControl
from twisted.internet.defer import ensureDeferred

from tests.frontends.ldap.company import SOURCE
from tests.frontends.ldap.serving import Account, Serving, blocking
from tests.frontends.ldap.writable_world import AD, Client, WritableWorld
from tests.servers.pki import Pki

ADD, DELETE, REPLACE = ldap.MOD_ADD, ldap.MOD_DELETE, ldap.MOD_REPLACE
LEA, ANNA, ANNA_THERE = f"CN=Lea Lund,CN=Users,{AD}", f"CN=Anna,CN=Users,{AD}", "uid=anna,ou=sales,dc=berlin"
PERSON = {"objectClass": ["user"], "sAMAccountName": "lea"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WritableWorld]:
    made = WritableWorld(tmp_path)
    pytest_twisted.blockon(ensureDeferred(made.start()))
    yield made
    pytest_twisted.blockon(ensureDeferred(made.stop()))


@pytest.fixture
def serving(desk: WritableWorld, pki: Pki) -> Iterator[Serving]:
    world: Any = desk
    started = Serving(world, pki, writer=desk.writer, password_modify=True)
    started.upstream.passwords[ANNA_THERE] = b"anna at the source"
    yield started
    pytest_twisted.blockon(ensureDeferred(started.end()))


@pytest.fixture
def clients(serving: Serving, pki: Pki) -> Any:
    """Makes a client that is bound over TLS."""

    def make(account: Account | None) -> Client:
        made = Client(serving, None)
        made.ldap = ldap.initialize(serving.tls_url)
        made.ldap.set_option(ldap.OPT_X_TLS_CACERTFILE, str(pki.ca))
        made.ldap.set_option(ldap.OPT_NETWORK_TIMEOUT, 20)
        made.ldap.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        if account is not None:
            made.ldap.simple_bind_s(account.dn, account.password)
        return made

    return make


def quoted(password: str) -> bytes:
    return f'"{password}"'.encode("utf-16-le")


@blocking
def test_a_password_is_given_reset_and_changed(desk: WritableWorld, clients: Any) -> None:
    portal = clients(desk.portal)
    portal.add(LEA, **PERSON, userAccountControl="512", unicodePwd=quoted("first pässword"))
    lea = clients(Account(LEA, "first pässword"))
    assert "unicodePwd" not in portal.read(LEA)
    portal.modify(LEA, (REPLACE, "unicodePwd", quoted("second password")))
    portal.modify(LEA, (REPLACE, "unicodePwd", quoted("third password")), (REPLACE, "userAccountControl", "66048"))
    lea.ldap.simple_bind_s("lea@ad.test", "third password")
    lea.modify(LEA, (DELETE, "unicodePwd", quoted("third password")), (ADD, "unicodePwd", quoted("my own password")))
    clients(Account(LEA, "my own password"))
    with lea.refused(ldap.CONSTRAINT_VIOLATION, "00000056"):
        lea.modify(LEA, (DELETE, "unicodePwd", quoted("wrong")), (ADD, "unicodePwd", quoted("another password")))
    with lea.refused(ldap.CONSTRAINT_VIOLATION, "too short"):
        lea.modify(LEA, (DELETE, "unicodePwd", quoted("my own password")), (ADD, "unicodePwd", quoted("x")))
    with lea.refused(ldap.INSUFFICIENT_ACCESS, "00000005"):
        lea.modify(LEA, (REPLACE, "unicodePwd", quoted("another password")))
    with lea.refused(ldap.UNWILLING_TO_PERFORM, "not written through the gateway"):
        lea.modify(LEA, (REPLACE, "title", "Queen"))
    clients(Account(LEA, "my own password"))


@blocking
def test_a_change_is_not_made_when_what_the_client_asserts_is_not_so(desk: WritableWorld, clients: Any) -> None:
    clients(desk.portal).add(LEA, **PERSON, unicodePwd=quoted("first password"))
    lea = clients(Account(LEA, "first password"))
    change = [(DELETE, "unicodePwd", [quoted("first password")]), (ADD, "unicodePwd", [quoted("second password")])]
    with lea.refused(ldap.ASSERTION_FAILED, ""):
        lea.ldap.modify_ext_s(LEA, change, serverctrls=[AssertionControl(True, "(sAMAccountName=other)")])
    clients(Account(LEA, "first password"))
    lea.ldap.modify_ext_s(LEA, change, serverctrls=[AssertionControl(True, "(sAMAccountName=lea)")])
    clients(Account(LEA, "second password"))


@blocking
def test_a_password_that_a_source_keeps_is_written_there(desk: WritableWorld, serving: Serving, clients: Any) -> None:
    portal = clients(desk.portal)
    portal.modify(ANNA, (REPLACE, "unicodePwd", quoted("reset password")))
    assert serving.upstream.passwords[ANNA_THERE] == b"reset password"
    with portal.refused(ldap.UNWILLING_TO_PERFORM, f"comes from the source {SOURCE}"):
        portal.modify(ANNA, (REPLACE, "unicodePwd", quoted("with others")), (REPLACE, "description", "x"))
    anna = clients(Account(ANNA, "reset password"))
    anna.modify(ANNA, (DELETE, "unicodePwd", quoted("reset password")), (ADD, "unicodePwd", quoted("my own password")))
    assert serving.upstream.passwords[ANNA_THERE] == b"my own password"


@blocking
def test_what_a_domain_refuses_is_refused(desk: WritableWorld, serving: Serving, clients: Any) -> None:
    portal, clerk, plain = clients(desk.portal), clients(desk.clerk), Client(serving, desk.portal)
    portal.add(LEA, **PERSON, unicodePwd=quoted("first password"))
    change = (DELETE, "unicodePwd", quoted("first password")), (ADD, "unicodePwd", quoted("second password"))
    for client in (plain, Client(serving, Account(LEA, "first password"))):
        with client.refused(ldap.UNWILLING_TO_PERFORM, "0000001F"):
            client.modify(LEA, *change)
    with plain.refused(ldap.UNWILLING_TO_PERFORM, "TLS"):
        plain.modify(LEA, (REPLACE, "unicodePwd", quoted("second password")))
    with plain.refused(ldap.UNWILLING_TO_PERFORM, "TLS"):
        plain.add(f"CN=Mia,CN=Users,{AD}", objectClass=["user"], sAMAccountName="mia", unicodePwd=quoted("second password"))
    for value in (b"second password", quoted("x")[:-1], "second password".encode("utf-16-le"), b"", b'"\0'):
        with portal.refused(ldap.UNWILLING_TO_PERFORM, "quotes"):
            portal.modify(LEA, (REPLACE, "unicodePwd", value))
    with portal.refused(ldap.CONSTRAINT_VIOLATION, "one value"):
        portal.modify(LEA, (REPLACE, "unicodePwd", [quoted("second password"), quoted("third password")]))
    with portal.refused(ldap.CONSTRAINT_VIOLATION, "delete the old value"):
        portal.modify(LEA, (DELETE, "unicodePwd", None))
    with clerk.refused(ldap.INSUFFICIENT_ACCESS, 'grant "passwords"'):
        clerk.modify(LEA, (REPLACE, "unicodePwd", quoted("second password")))
    with portal.refused(ldap.UNDEFINED_TYPE):
        portal.modify("uid=lea,ou=people,dc=example,dc=test", (REPLACE, "unicodePwd", quoted("second password")))
    clients(Account(LEA, "first password"))
