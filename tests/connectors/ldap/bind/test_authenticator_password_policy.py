"""Passwords at a slapd with a password policy (slapo-ppolicy): what it says reaches us, and changes go through to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_twisted
from twisted.internet import reactor

from gateway.connectors.ldap.bind.authenticator import PassThroughAuthenticator
from gateway.connectors.ldap.bind.settings import PassThroughSettings
from gateway.model.connector import BindAnswer, BindOutcome, ChangeAnswer, PolicyNotice
from gateway.model.errors import SourceUnavailable
from tests.conftest import StartSlapd
from tests.connectors.openldap_upstream import upstream
from tests.connectors.scripted_bind_server import ScriptedBindServer
from tests.servers.people import SUFFIX
from tests.servers.slapd import Slapd

MAX_AGE = timedelta(days=90)
POLICY = f"""\
dn: ou=policies,{SUFFIX}
objectClass: organizationalUnit
ou: policies

dn: cn=default,ou=policies,{SUFFIX}
objectClass: organizationalRole
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 2
pwdMinLength: 6
pwdCheckQuality: 1
pwdInHistory: 3
pwdMaxAge: {int(MAX_AGE.total_seconds())}
pwdExpireWarning: 604800
pwdGraceAuthNLimit: 1
pwdMustChange: TRUE
pwdAllowUserChange: TRUE

"""


def person(name: str, age: timedelta = timedelta(), **operational: str) -> str:
    """Somebody whose password `<name>-secret` has this age; operational attributes are loaded as they are."""
    changed = (datetime.now(UTC) - age).strftime("%Y%m%d%H%M%SZ")
    more = "".join(f"{key}: {value}\n" for key, value in operational.items())
    return (
        f"dn: uid={name},ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: {name}\n"
        f"userPassword: {name}-secret\npwdChangedTime: {changed}\n{more}\n"
    )


PEOPLE = "".join(
    [
        person("fresh"),
        person("expiring", MAX_AGE - timedelta(hours=1)),
        person("expired", MAX_AGE + timedelta(days=1)),
        person("reset", pwdReset="TRUE"),
        person("guessed"),
        person("changing"),
        person("forgetful"),
    ]
)


def dn(name: str) -> str:
    return f"uid={name},ou=people,{SUFFIX}"


@pytest.fixture
def slapd(start_slapd: StartSlapd) -> Slapd:
    return start_slapd(ppolicy=True, ldif=POLICY + PEOPLE)


@contextmanager
def passing(slapd: Slapd, *, admin: bool = False) -> Iterator[PassThroughAuthenticator]:
    """`admin`: our account at the source may set passwords."""
    to = upstream(slapd)
    if admin:
        to = replace(to, bind_dn=slapd.admin.dn, password=slapd.admin.password)
    part = PassThroughAuthenticator(PassThroughSettings(id="hr", upstream=to), reactor)
    try:
        yield part
    finally:
        part.close()


async def ask(part: PassThroughAuthenticator, name: str, password: str = "") -> BindAnswer:
    return await part.authenticate(dn(name), (password or f"{name}-secret").encode())


@pytest_twisted.ensureDeferred
async def test_a_bind_is_answered_with_the_notice_of_the_policy(slapd: Slapd) -> None:
    with passing(slapd) as part:
        assert await ask(part, "fresh") == BindAnswer(BindOutcome.ACCEPTED)
        soon = await ask(part, "expiring")
        assert soon.outcome is BindOutcome.ACCEPTED and soon.notice is not None
        assert soon.notice.expires_in_seconds is not None and 3000 < soon.notice.expires_in_seconds <= 3600
        assert await ask(part, "expired") == BindAnswer(BindOutcome.ACCEPTED, PolicyNotice(grace_binds_left=0))
        assert await ask(part, "expired") == BindAnswer(BindOutcome.REFUSED, PolicyNotice(error=0))
        assert await ask(part, "reset") == BindAnswer(BindOutcome.ACCEPTED, PolicyNotice(error=2))


@pytest_twisted.ensureDeferred
async def test_a_locked_account_has_the_notice_account_locked(slapd: Slapd) -> None:
    with passing(slapd) as part:
        for _ in range(2):
            assert (await ask(part, "guessed", "wrong")).outcome is BindOutcome.REFUSED
        assert await ask(part, "guessed") == BindAnswer(BindOutcome.REFUSED, PolicyNotice(error=1))


@pytest_twisted.ensureDeferred
async def test_a_person_changes_the_password_by_the_old_one(slapd: Slapd) -> None:
    name = dn("changing")
    with passing(slapd) as part:
        assert await part.change(name, b"changing-secret", b"new-secret") == ChangeAnswer(0)
        assert (await ask(part, "changing")).outcome is BindOutcome.REFUSED
        assert (await ask(part, "changing", "new-secret")).outcome is BindOutcome.ACCEPTED
        assert (await part.change(name, b"wrong", b"another-secret")).code == 49


@pytest_twisted.ensureDeferred
async def test_a_password_that_must_be_changed_can_be(slapd: Slapd) -> None:
    with passing(slapd) as part:
        assert (await part.change(dn("reset"), b"reset-secret", b"new-secret")).code == 0
        assert await ask(part, "reset", "new-secret") == BindAnswer(BindOutcome.ACCEPTED)


@pytest.mark.parametrize(
    ("new", "error", "words"), [("short", 6, "quality checking"), ("forgetful-secret", 8, "not being changed")]
)
@pytest_twisted.ensureDeferred
async def test_the_policys_error_about_a_new_password_is_passed_on(slapd: Slapd, new: str, error: int, words: str) -> None:
    with passing(slapd) as part:
        answer = await part.change(dn("forgetful"), b"forgetful-secret", new.encode())
    assert (answer.code, answer.notice) == (19, PolicyNotice(error=error))
    assert words in answer.reason


@pytest_twisted.ensureDeferred
async def test_the_source_chooses_a_password_when_none_is_given(slapd: Slapd) -> None:
    with passing(slapd) as part:
        answer = await part.change(dn("changing"), b"changing-secret", None)
        assert answer.code == 0 and answer.generated
        assert answer.generated.decode() not in repr(answer)
        assert (await ask(part, "changing", answer.generated.decode())).outcome is BindOutcome.ACCEPTED


@pytest_twisted.ensureDeferred
async def test_our_own_account_sets_a_password_where_it_may(slapd: Slapd) -> None:
    with passing(slapd) as part:
        assert (await part.reset(dn("changing"), b"new-secret")).code == 50
    with passing(slapd, admin=True) as part:
        assert (await part.reset(dn("changing"), b"new-secret")).code == 0
        assert (await ask(part, "changing", "new-secret")).outcome is BindOutcome.ACCEPTED


@pytest_twisted.ensureDeferred
async def test_no_connection_stays_bound_as_the_account_of_a_password_change(slapd: Slapd) -> None:
    with passing(slapd, admin=True) as part:
        for _ in range(3):
            await part.reset(dn("changing"), b"new-secret")
            assert part._pool._idle == {}


@pytest_twisted.ensureDeferred
async def test_a_password_change_at_an_upstream_that_is_down_is_unavailable(slapd: Slapd) -> None:
    slapd.stop()
    with passing(slapd) as part, pytest.raises(SourceUnavailable):
        await part.change(dn("changing"), b"changing-secret", b"new-secret")
    for dn_, old in (("", b"x"), ("uid=x", b"")):
        with passing(slapd) as part, pytest.raises(ValueError, match="proves nothing"):
            part.change(dn_, old, b"new-secret")


@pytest_twisted.ensureDeferred
async def test_an_answer_that_is_none_is_unavailable(slapd: Slapd) -> None:
    with ScriptedBindServer(0) as server:
        part = PassThroughAuthenticator(PassThroughSettings(id="hr", upstream=upstream(slapd, urls=(server.url,))), reactor)
        with pytest.raises(SourceUnavailable, match="not answered by an extended response"):
            await part.change(dn("changing"), b"changing-secret", b"new-secret")
        part.close()
