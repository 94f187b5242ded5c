"""Pass-through binds at a real domain controller: what its sub-codes mean, and TLS to a pinned certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as real_reactor

from gateway.connectors.ldap.bind import ad_error_codes
from gateway.connectors.ldap.bind.authenticator import PassThroughAuthenticator
from gateway.connectors.ldap.bind.settings import PassThroughSettings
from gateway.connectors.ldap.client.settings import Upstream
from gateway.model.connector import BindAnswer, BindOutcome, PolicyNotice
from gateway.model.errors import SourceUnavailable
from gateway.wire.controls.bind_and_update import PasswordPolicyError
from tests.connectors.active_directory_unit import ScratchUnit
from tests.connectors.scripted_bind_server import ScriptedBindServer
from tests.servers.pki import Pki
from tests.servers.samba import DISABLED

PASSWORD = "Secret-1"
IN_1601, IN_2016 = "130000000000", "131000000000000000"
EXPIRED, LOCKED, MUST_CHANGE = (
    PolicyNotice(error=int(error))
    for error in (
        PasswordPolicyError.PASSWORD_EXPIRED,
        PasswordPolicyError.ACCOUNT_LOCKED,
        PasswordPolicyError.CHANGE_AFTER_RESET,
    )
)


@contextmanager
def passing(scratch: ScratchUnit, **changes: Any) -> Iterator[PassThroughAuthenticator]:
    upstream = scratch.upstream(**changes)
    part = PassThroughAuthenticator(PassThroughSettings(id="corp", upstream=upstream, decoy_base=scratch.dn), real_reactor)
    try:
        yield part
    finally:
        part.close()


def lock(scratch: ScratchUnit, dn: str) -> None:
    for _ in range(3):
        with pytest.raises(Exception, match="invalidCredentials"):
            scratch.server.connect(dn, "wrong")


def changed(**values: str | bytes) -> Callable[[ScratchUnit, str], None]:
    def change(scratch: ScratchUnit, dn: str) -> None:
        scratch.server.modify(dn, {name: [value] for name, value in values.items()})

    return change


CASES: dict[str, tuple[Callable[[ScratchUnit, str], None], PolicyNotice | None, str]] = {
    "account disabled": (changed(userAccountControl=str(DISABLED)), LOCKED, "533"),
    "account expired": (changed(accountExpires=IN_1601), LOCKED, "701"),
    "password must be changed": (changed(pwdLastSet="0"), MUST_CHANGE, "773"),
    "password expired": (lambda scratch, dn: scratch.server.set_raw(dn, "pwdLastSet", IN_2016), EXPIRED, "532"),
    "not at this time of day": (changed(logonHours=bytes(21)), None, ""),
    "not from this computer": (changed(userWorkstations="OTHERPC"), None, ""),
    "account locked": (lock, LOCKED, "775"),
}


@pytest_twisted.ensureDeferred
async def test_the_right_password_is_accepted_and_a_wrong_one_refused(scratch: ScratchUnit) -> None:
    dn = scratch.add_user("ann", password=PASSWORD)
    with passing(scratch) as part:
        assert await part.authenticate(dn, PASSWORD.encode()) == BindAnswer(BindOutcome.ACCEPTED)
        assert await part.authenticate(dn, b"wrong") == BindAnswer(BindOutcome.REFUSED, None, "wrong password")
        await part.decoy(b"guess")


@pytest.mark.parametrize("reason", CASES)
@pytest_twisted.ensureDeferred
async def test_a_refused_right_password_has_a_reason(scratch: ScratchUnit, reason: str) -> None:
    change, notice, sub_code = CASES[reason]
    dn = scratch.add_user("ann", password=PASSWORD)
    change(scratch, dn)
    with passing(scratch) as part:
        assert await part.authenticate(dn, PASSWORD.encode()) == BindAnswer(BindOutcome.REFUSED, notice, reason, sub_code)
        if reason != "account locked":
            assert await part.authenticate(dn, b"wrong") == BindAnswer(BindOutcome.REFUSED, None, "wrong password")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("525", BindAnswer(BindOutcome.REFUSED, None, "no such user")),
        ("0525", BindAnswer(BindOutcome.REFUSED, None, "no such user")),
        ("775", BindAnswer(BindOutcome.REFUSED, LOCKED, "account locked", "775")),
        ("568", BindAnswer(BindOutcome.REFUSED, None, "sub-code 568")),
    ],
)
@pytest_twisted.ensureDeferred
async def test_sub_codes_of_windows_that_samba_does_not_send(data: str, expected: BindAnswer) -> None:
    words = f"80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {data}, v4563\0"
    with ScriptedBindServer(49, diagnostic=words) as server:
        part = PassThroughAuthenticator(PassThroughSettings(id="corp", upstream=Upstream(urls=(server.url,))), real_reactor)
        assert await part.authenticate("cn=ann", b"secret") == expected
        part.close()


@pytest_twisted.ensureDeferred
async def test_a_controller_without_a_logon_server_is_unavailable() -> None:
    words = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 51f, v4563"
    with ScriptedBindServer(49, diagnostic=words) as server:
        part = PassThroughAuthenticator(PassThroughSettings(id="corp", upstream=Upstream(urls=(server.url,))), real_reactor)
        with pytest.raises(SourceUnavailable, match="data 51f"):
            await part.authenticate("cn=ann", b"secret")
        part.close()


def test_a_diagnostic_message_of_another_server_has_no_cause() -> None:
    assert ad_error_codes.cause("invalid credentials, data 533") is None


@pytest.mark.parametrize("way", ["ldaps", "start_tls"])
@pytest_twisted.ensureDeferred
async def test_a_pinned_certificate_is_all_that_counts(scratch: ScratchUnit, pki: Pki, way: str) -> None:
    dn = scratch.add_user("ann", password=PASSWORD)
    reached = {"urls": (scratch.server.ldaps_url,)} if way == "ldaps" else {"start_tls": True}
    with passing(scratch, **reached, certificate_sha256=(bytes(32), pki.digest)) as part:
        assert (await part.authenticate(dn, PASSWORD.encode())).outcome is BindOutcome.ACCEPTED
    with (
        passing(scratch, **reached, certificate_sha256=(bytes(32),)) as part,
        pytest.raises(SourceUnavailable, match="certificate verify failed"),
    ):
        await part.authenticate(dn, PASSWORD.encode())
