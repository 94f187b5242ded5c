"""Bind: which result code each kind of bind gets, and who the connection is afterwards."""

import ldap
import ldap3
import pytest
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred

from gateway.model.errors import SourceUnavailable
from gateway.wire import oids
from gateway.wire.messages import (
    BindRequest,
    BindResponse,
    Control,
    ExtendedRequest,
    ExtendedResponse,
    SaslAuthentication,
    SimpleAuthentication,
)
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.client_programs import libldap, pure
from tests.frontends.ldap.company import ANN, BASE, PEOPLE, upstream_dn
from tests.frontends.ldap.conftest import Serve
from tests.frontends.ldap.serving import Account, Serving, blocking, eventually, in_reactor
from tests.frontends.ldap.wire_client import WireClient, bind_request, connected, search_request

OK, REFUSED, UNWILLING = ResultCode.SUCCESS, ResultCode.INVALID_CREDENTIALS, ResultCode.UNWILLING_TO_PERFORM


def who(client: WireClient) -> str:
    answer = client.ask(ExtendedRequest(oids.WHO_AM_I))
    assert isinstance(answer, ExtendedResponse) and answer.value is not None
    return answer.value.decode()


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        (ANN, "ann-secret", OK),
        (ANN.upper(), "ann-secret", OK),
        (f" uid = ann , ou=people, {BASE} ", "ann-secret", OK),
        (ANN, "wrong", REFUSED),
        (ANN, "ANN-SECRET", REFUSED),
        (ANN, "ann-secret ", REFUSED),
        (f"uid=nobody,{PEOPLE}", "ann-secret", REFUSED),
        (f"uid=dave,{PEOPLE}", "ann-secret", REFUSED),  # an entry without an account at any source
        (PEOPLE, "ann-secret", REFUSED),
        (f"cn=portal,ou=applications,{BASE}", "wrong", REFUSED),
        (f"cn=nobody,ou=applications,{BASE}", "wrong", REFUSED),
        ("cn=admin,dc=elsewhere", "x", REFUSED),
        ("cn=Subschema", "x", REFUSED),
        (ANN, "", UNWILLING),
        ("", "", OK),
        ("", "x", REFUSED),
        ("ann", "ann-secret", ResultCode.INVALID_DN_SYNTAX),
        ("uid=ann,,dc=test", "ann-secret", ResultCode.INVALID_DN_SYNTAX),
        (ANN, "\x00", REFUSED),
        (ANN, "x" * 60_000, REFUSED),
    ],
)
@blocking
def test_each_name_and_password_gets_its_result_code(serving: Serving, name: str, password: str, code: int) -> None:
    with connected(serving) as client:
        assert client.bind(Account(name, password)) == code
        assert bool(who(client)) is (code == OK and bool(name))


@blocking
def test_an_unknown_name_and_a_wrong_password_get_the_same_answer_and_both_cost_a_question_upstream(serving: Serving) -> None:
    with connected(serving) as client:
        unknown = client.ask(bind_request(Account(f"uid=nobody,{PEOPLE}", "x")))
        wrong = client.ask(bind_request(Account(ANN, "x")))
        assert unknown == wrong
        assert serving.upstream.asked == ["", upstream_dn("ann")]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (BindRequest(2, ANN, SimpleAuthentication(b"ann-secret")), ResultCode.PROTOCOL_ERROR),
        (BindRequest(4, ANN, SimpleAuthentication(b"ann-secret")), ResultCode.PROTOCOL_ERROR),
        (BindRequest(3, "", SaslAuthentication("PLAIN", b"\0ann\0ann-secret")), ResultCode.INVALID_DN_SYNTAX),
        (BindRequest(3, "", SaslAuthentication("PLAIN", b"ann-secret")), ResultCode.PROTOCOL_ERROR),
        (BindRequest(3, "", SaslAuthentication("EXTERNAL", b"")), ResultCode.INAPPROPRIATE_AUTHENTICATION),
        (BindRequest(3, "", SaslAuthentication("GSSAPI")), ResultCode.AUTH_METHOD_NOT_SUPPORTED),
        (BindRequest(3, ANN, SimpleAuthentication(b"wrong")), REFUSED),
    ],
)
@blocking
def test_a_failed_bind_makes_the_connection_anonymous_and_leaves_it_usable(
    serving: Serving, request_: BindRequest, code: int
) -> None:
    with connected(serving, serving.portal) as client:
        answer = client.ask(request_)
        assert isinstance(answer, BindResponse) and answer.result.code == code
        assert who(client) == ""
        _, done = client.search(search_request(BASE))
        assert done.code == ResultCode.INSUFFICIENT_ACCESS_RIGHTS
        assert client.bind(serving.ann) == OK


@blocking
def test_a_bind_refused_for_its_controls_makes_the_connection_anonymous_too(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        answer = client.ask(bind_request(serving.ann), (Control("1.2.3", True),))
        assert isinstance(answer, BindResponse) and answer.result.code == ResultCode.UNAVAILABLE_CRITICAL_EXTENSION
        assert who(client) == ""


@blocking
def test_the_password_policy_control_that_nslcd_sends_is_ignored(serving: Serving) -> None:
    with connected(serving) as client:
        answer = client.ask(bind_request(serving.ann), (Control(oids.PASSWORD_POLICY, False),))
        assert isinstance(answer, BindResponse) and answer.result.code == OK


@blocking
def test_one_connection_is_rebound_hundreds_of_times(serving: Serving) -> None:
    accounts = [serving.ann, Account("", ""), serving.bob, Account(ANN, "wrong"), serving.portal]
    with connected(serving) as client:
        for number in range(300):
            account = accounts[number % len(accounts)]
            wrong = account.password == "wrong"
            assert client.bind(account) == (REFUSED if wrong else OK)
            assert who(client) == ("" if wrong or not account.dn else f"dn:{account.dn}")


@blocking
def test_pipelined_binds_are_answered_one_after_the_other(serving: Serving) -> None:
    with connected(serving) as client:
        sent = client.send(*[bind_request(Account("", ""))] * 2000, bind_request(serving.ann))
        answers = [client.receive() for _ in sent]
        assert [answer.message_id for answer in answers] == sent
        assert {answer.operation.result.code for answer in answers} == {OK}  # type: ignore[union-attr]
        assert who(client) == f"dn:{ANN}"


@blocking
def test_requests_behind_a_slow_bind_wait_for_it_and_are_answered_as_its_party(serving: Serving) -> None:
    serving.upstream.gate = Deferred()
    with connected(serving) as client:
        client.send(bind_request(serving.ann), ExtendedRequest(oids.WHO_AM_I), search_request(BASE, "(uid=ann)"))
        eventually(lambda: bool(serving.upstream.asked))
        client.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        client.socket.settimeout(20)
        in_reactor(serving.upstream.gate.callback, None)
        answers = [client.receive() for _ in range(4)]
        assert [answer.message_id for answer in answers] == [1, 2, 3, 3]
        assert isinstance(answers[1].operation, ExtendedResponse)
        assert answers[1].operation.value == f"dn:{ANN}".encode()


@blocking
def test_a_client_that_leaves_during_its_bind_leaves_no_error_behind(serving: Serving) -> None:
    serving.upstream.gate = Deferred(lambda _: None)
    with capture_logs() as lines:
        client = connected(serving)
        client.send(bind_request(serving.ann))
        eventually(lambda: bool(serving.upstream.asked))
        client.close()
        eventually(lambda: serving.connections == 0)
    assert [line for line in lines if line["log_level"] == "error"] == []


@blocking
def test_an_upstream_that_is_down_is_unavailable_and_never_a_wrong_password(serving: Serving) -> None:
    serving.upstream.error = SourceUnavailable("berlin: connection refused")
    with libldap(serving) as client:
        with pytest.raises(ldap.UNAVAILABLE, match="cannot be reached"):
            client.simple_bind_s(serving.ann.dn, serving.ann.password)
        client.simple_bind_s(serving.portal.dn, serving.portal.password)


@blocking
def test_a_soft_lock_answers_as_a_wrong_password_and_spares_the_upstream(serve: Serve) -> None:
    serving = serve(max_failures=2)
    with connected(serving) as client:
        codes = [client.bind(Account(ANN, password)) for password in ("x", "y", "ann-secret")]
    assert codes == [REFUSED, REFUSED, REFUSED]
    assert len(serving.upstream.asked) == 2


@blocking
def test_python_ldap_and_ldap3_tell_the_failures_apart(serving: Serving) -> None:
    with libldap(serving) as client:
        for name, password, error in (
            (ANN, "wrong", ldap.INVALID_CREDENTIALS),
            ("nonsense", "x", ldap.INVALID_DN_SYNTAX),
            (ANN, "", ldap.UNWILLING_TO_PERFORM),
        ):
            with pytest.raises(error):
                client.simple_bind_s(name, password)
        client.protocol_version = 2
        with pytest.raises(ldap.PROTOCOL_ERROR):
            client.simple_bind_s(ANN, "ann-secret")
    with pure(serving, serving.ann) as connection:
        assert connection.extend.standard.who_am_i() == f"dn:{ANN}"
        assert not connection.rebind(ANN, "wrong")
        assert connection.result["result"] == REFUSED
        sasl = {"authentication": ldap3.SASL, "sasl_mechanism": ldap3.DIGEST_MD5}
        assert not connection.rebind(ANN, "x", **sasl)


@blocking
def test_passwords_are_not_in_the_log(serving: Serving) -> None:
    with capture_logs() as lines, connected(serving) as client:
        client.bind(serving.ann)
        client.bind(Account(ANN, "hunter2"))
        serving.upstream.error = RuntimeError("scripted")
        client.bind(serving.ann)
    assert len(lines) >= 3
    assert "ann-secret" not in repr(lines) and "hunter2" not in repr(lines)
