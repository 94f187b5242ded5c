"""Password Modify (RFC 3062) and the password policy control, as clients send them."""

from __future__ import annotations

from collections.abc import Iterator

import ldap
import pytest
from structlog.testing import capture_logs

from gateway.directory.authentication.password_hashing import hash_blocking
from gateway.model.connector import PolicyNotice
from gateway.store.objects import passwords
from gateway.wire import controls, oids
from gateway.wire.controls.bind_and_update import PasswordPolicyResponse, ProxiedAuthorization
from gateway.wire.extended_values import PasswordModifyRequest, PasswordModifyResponse
from gateway.wire.messages import BindResponse, Control, ExtendedRequest, ExtendedResponse, LDAPMessage
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.bind_names_world import granted
from tests.frontends.ldap.client_programs import libldap, tool
from tests.frontends.ldap.company import ANN, BASE, BEGAN, DAVE, object_id, upstream_dn
from tests.frontends.ldap.conftest import Serve
from tests.frontends.ldap.serving import Account, Serving, World, blocking
from tests.frontends.ldap.wire_client import WireClient, bind_request, connected

ASK = Control(oids.PASSWORD_POLICY, False)
NEW = b"a new password"


@pytest.fixture
def dave(world: World) -> Iterator[Account]:
    """Nobody vouches for him: his password is kept here."""
    hashed = hash_blocking(b"dave-secret")
    user_id = object_id("dave")
    world.database.write_blocking(lambda c: passwords.set_local(c, user_id, hashed, by="test", now=BEGAN))
    yield Account(DAVE, "dave-secret")
    world.database.write_blocking(lambda c: passwords.clear_local(c, user_id))


def change(
    client: WireClient, identity: str = "", old: bytes | None = None, new: bytes | None = NEW, *with_controls: Control
) -> tuple[ExtendedResponse, LDAPMessage]:
    request = PasswordModifyRequest(identity.encode() or None, old, new)
    client.send(ExtendedRequest(oids.PASSWORD_MODIFY, request.encode()), controls=with_controls)
    message = client.receive()
    assert isinstance(message.operation, ExtendedResponse)
    return message.operation, message


def code(client: WireClient, *arguments: object) -> int:
    return change(client, *arguments)[0].result.code  # type: ignore[arg-type]


def told(message: LDAPMessage) -> PasswordPolicyResponse | None:
    return controls.find(message.controls, PasswordPolicyResponse)


@blocking
def test_a_person_changes_the_own_password_and_binds_with_it(serving: Serving, dave: Account) -> None:
    with capture_logs() as lines, connected(serving, dave) as client:
        answer, message = change(client)
        assert (answer.result.code, answer.value, told(message)) == (0, None, None)
        assert client.bind(dave) == ResultCode.INVALID_CREDENTIALS
        assert client.bind(Account(DAVE, NEW.decode())) == 0
    assert NEW.decode() not in repr(lines) and "dave-secret" not in repr(lines)


@blocking
def test_a_password_that_is_not_given_comes_with_the_answer(serving: Serving, dave: Account) -> None:
    with connected(serving, dave) as client:
        answer, _ = change(client, "", None, None)
        made = PasswordModifyResponse.decode(answer.value).generated_password
        assert made is not None
        assert client.bind(Account(DAVE, made.decode())) == 0


@blocking
def test_each_change_that_may_not_be_gets_its_result_code(serving: Serving, dave: Account) -> None:
    with connected(serving, dave) as client:
        assert code(client, "", None, b"short") == ResultCode.CONSTRAINT_VIOLATION
        assert code(client, ANN) == ResultCode.INSUFFICIENT_ACCESS_RIGHTS
        assert code(client, "", b"wrong") == ResultCode.INVALID_CREDENTIALS
        assert code(client, "nonsense") == ResultCode.INVALID_DN_SYNTAX
        assert client.bind(serving.ann) == 0
        refused, _ = change(client, "", b"ann-secret")
        assert refused.result.code == ResultCode.UNWILLING_TO_PERFORM and "(berlin)" in refused.result.diagnostic_message
        assert client.bind(serving.portal) == 0
        assert code(client, DAVE) == ResultCode.INSUFFICIENT_ACCESS_RIGHTS
        assert client.bind(Account("", "")) == 0
        assert code(client) == ResultCode.UNWILLING_TO_PERFORM
        assert code(client, DAVE, b"dave-secret") == 0
        bad = client.ask(ExtendedRequest(oids.PASSWORD_MODIFY, b"nonsense"))
        assert isinstance(bad, ExtendedResponse) and bad.result.code == ResultCode.PROTOCOL_ERROR


@blocking
def test_an_application_with_the_grant_sets_passwords(serving: Serving, world: World, dave: Account) -> None:
    with connected(serving, granted(world, "passwords")) as client:
        assert code(client, DAVE) == 0
        assert code(client, f"uid=nobody,ou=people,{BASE}") == ResultCode.NO_SUCH_OBJECT
        assert code(client, ANN) == ResultCode.UNWILLING_TO_PERFORM
        assert client.bind(Account(DAVE, NEW.decode())) == 0


@blocking
def test_a_source_that_takes_changes_is_written_through_to(serve: Serve) -> None:
    serving = serve(password_modify=True)
    with connected(serving, serving.ann) as client:
        assert code(client, "", b"ann-secret") == 0
        assert serving.upstream.passwords[upstream_dn("ann")] == NEW
        answer, message = change(client, "", NEW, b"old", ASK)
        assert (answer.result.code, answer.result.diagnostic_message) == (ResultCode.CONSTRAINT_VIOLATION, "in the history")
        assert told(message) == PasswordPolicyResponse(error=8)


@blocking
def test_ldappasswd_and_python_ldap_change_a_password(serving: Serving, dave: Account) -> None:
    done = tool("ldappasswd", serving.url, dave, "-a", "dave-secret", "-s", "changed by a tool")
    assert done.returncode == 0, done.stderr
    account = Account(DAVE, "changed by a tool")
    done = tool("ldappasswd", serving.url, account)
    assert done.returncode == 0 and done.stdout.startswith("New password: "), done
    account = Account(DAVE, done.stdout.removeprefix("New password: ").strip())
    with libldap(serving, account) as client:
        client.passwd_s(DAVE, account.password, "changed by a library")
        with pytest.raises(ldap.CONSTRAINT_VIOLATION):
            client.passwd_s(DAVE, "changed by a library", "short")
    assert tool("ldapwhoami", serving.url, Account(DAVE, "changed by a library")).returncode == 0


# ---- the password policy control


def bind(client: WireClient, account: Account, *with_controls: Control) -> tuple[int, PasswordPolicyResponse | None]:
    client.send(bind_request(account), controls=with_controls)
    message = client.receive()
    assert isinstance(message.operation, BindResponse)
    return message.operation.result.code, told(message)


@pytest.mark.parametrize(
    "notice", [PolicyNotice(expires_in_seconds=3600), PolicyNotice(grace_binds_left=2), PolicyNotice(error=2), None]
)
@blocking
def test_what_the_policy_says_is_told_to_who_asks(serving: Serving, notice: PolicyNotice | None) -> None:
    serving.upstream.notice = notice
    expected = notice or PolicyNotice()
    said = PasswordPolicyResponse(expected.expires_in_seconds, expected.grace_binds_left, expected.error)
    with connected(serving) as client:
        assert bind(client, serving.ann, ASK) == (0, said)
        assert bind(client, serving.ann) == (0, None)
        assert bind(client, serving.portal, ASK) == (0, PasswordPolicyResponse())


@blocking
def test_a_refused_bind_says_why_and_our_own_soft_lock_does_not(serve: Serve) -> None:
    serving = serve(max_failures=1)
    serving.upstream.notice = PolicyNotice(error=1)
    with connected(serving) as client:
        assert bind(client, Account(ANN, "wrong"), ASK) == (ResultCode.INVALID_CREDENTIALS, PasswordPolicyResponse(error=1))
        assert bind(client, serving.ann, ASK) == (ResultCode.INVALID_CREDENTIALS, PasswordPolicyResponse())


@blocking
def test_ldapwhoami_shows_what_the_policy_says(serving: Serving) -> None:
    serving.upstream.notice = PolicyNotice(grace_binds_left=2)
    done = tool("ldapwhoami", serving.url, serving.ann, "-e", "ppolicy")
    assert "2 grace logins remain" in done.stdout + done.stderr


# ---- on behalf of somebody


@blocking
def test_who_acts_for_a_person_needs_the_persons_old_password(serving: Serving, world: World, dave: Account) -> None:
    as_dave = controls.control(ProxiedAuthorization(f"dn:{DAVE}"), True)
    with connected(serving, granted(world, "proxy")) as client:
        assert code(client, "", None, NEW, as_dave) == ResultCode.UNWILLING_TO_PERFORM
        assert code(client, "", b"wrong", NEW, as_dave) == ResultCode.INVALID_CREDENTIALS
        assert code(client, "", b"dave-secret", NEW, as_dave) == 0
