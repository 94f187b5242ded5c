"""StartTLS, LDAPS and require_tls: what stands in the clear behind StartTLS is never carried out."""

import socket
import ssl

import ldap
import pytest
from structlog.testing import capture_logs
from twisted.internet.defer import Deferred

from gateway.wire import oids
from gateway.wire.codec.encoder import encode_message
from gateway.wire.messages import ExtendedRequest, ExtendedResponse, LDAPMessage, Operation, SearchResultDone
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.client_programs import libldap
from tests.frontends.ldap.company import ANN, BASE, CROWD
from tests.frontends.ldap.conftest import Serve
from tests.frontends.ldap.serving import Serving, blocking, eventually, in_reactor
from tests.frontends.ldap.wire_client import WireClient, bind_request, connected, search_request
from tests.servers.pki import Pki

START_TLS = ExtendedRequest(oids.START_TLS)
WHO_AM_I = ExtendedRequest(oids.WHO_AM_I)


def code(answer: Operation) -> int:
    assert isinstance(answer, ExtendedResponse)
    return answer.result.code


def encrypted(connection: socket.socket, pki: Pki) -> WireClient:
    """TLS on the connection, and a client over it."""
    context = ssl.create_default_context(cafile=str(pki.ca))
    return WireClient(context.wrap_socket(connection, server_hostname="127.0.0.1"))


def start_tls(serving: Serving, pki: Pki) -> WireClient:
    plain = connected(serving)
    assert code(plain.ask(START_TLS)) == 0
    return encrypted(plain.socket, pki)


@blocking
def test_starttls_protects_the_connection_and_can_be_done_once(tls_serving: Serving, pki: Pki) -> None:
    with start_tls(tls_serving, pki) as client:
        assert client.bind(tls_serving.portal) == 0
        assert len(client.search(search_request(BASE, "(uid=ann)"))[0]) == 1
        assert code(client.ask(START_TLS)) == ResultCode.OPERATIONS_ERROR
        (root,), _ = client.search(search_request("", scope=0, attributes=("supportedExtension",)))
        assert oids.START_TLS.encode() not in root.attributes[0].values
        assert client.search(search_request(BASE, attributes=("1.1",)))[1].code == 0


@pytest.mark.parametrize("way", ["starttls", "ldaps"])
@blocking
def test_large_answers_and_pipelined_requests_go_through_tls(tls_serving: Serving, pki: Pki, way: str) -> None:
    connection = socket.create_connection(("127.0.0.1", tls_serving.tls_port), timeout=20)
    with connection, start_tls(tls_serving, pki) if way == "starttls" else encrypted(connection, pki) as client:
        assert client.bind(tls_serving.portal) == 0
        sent = client.send(*[search_request(BASE)] * 2, *[search_request(BASE, "(uid=ann)")] * 500)
        done: set[int] = set()
        entries = 0
        while len(done) < len(sent):
            message = client.receive()
            if isinstance(message.operation, SearchResultDone):
                done.add(message.message_id)
            else:
                entries += 1
    assert done == set(sent)
    assert entries == 2 * (CROWD + 15) + 500


@blocking
def test_the_bound_party_stays_bound_over_starttls(tls_serving: Serving, pki: Pki) -> None:
    plain = connected(tls_serving, tls_serving.ann)
    assert code(plain.ask(START_TLS)) == 0
    with encrypted(plain.socket, pki) as client:
        answer = client.ask(WHO_AM_I)
        assert isinstance(answer, ExtendedResponse) and answer.value == f"dn:{ANN}".encode()


@blocking
def test_without_a_certificate_starttls_is_a_protocol_error_and_is_not_offered(serving: Serving) -> None:
    with connected(serving) as client:
        assert code(client.ask(START_TLS)) == ResultCode.PROTOCOL_ERROR
        assert client.search(search_request("", scope=0))[1].code == 0


@blocking
def test_starttls_with_an_operation_outstanding_is_an_operations_error(tls_serving: Serving) -> None:
    with connected(tls_serving, tls_serving.portal) as client:
        large, tls = client.send(search_request(BASE), START_TLS)
        codes: dict[int, int] = {}
        while len(codes) < 2:
            message = client.receive()
            if isinstance(message.operation, ExtendedResponse | SearchResultDone):
                codes[message.message_id] = message.operation.result.code
    assert codes == {large: 0, tls: ResultCode.OPERATIONS_ERROR}


@blocking
def test_starttls_behind_a_slow_bind_waits_for_it(tls_serving: Serving, pki: Pki) -> None:
    tls_serving.upstream.gate = Deferred()
    plain = connected(tls_serving)
    plain.send(bind_request(tls_serving.ann), START_TLS)
    eventually(lambda: bool(tls_serving.upstream.asked))
    in_reactor(tls_serving.upstream.gate.callback, None)
    assert [plain.receive().message_id for _ in range(2)] == [1, 2]
    with encrypted(plain.socket, pki) as client:
        assert code(client.ask(WHO_AM_I)) == 0


@pytest.mark.parametrize("cut", [None, 5, 1])
@blocking
def test_what_was_put_behind_starttls_in_the_clear_is_never_carried_out(tls_serving: Serving, cut: int | None) -> None:
    with connected(tls_serving) as client, capture_logs() as lines:
        injected = encode_message(LDAPMessage(2, bind_request(tls_serving.ann)))[:cut]
        client.socket.sendall(encode_message(LDAPMessage(1, START_TLS)) + injected)
        answers = client.rest()
    assert answers[0].message_id == 1
    assert all(answer.message_id == 0 for answer in answers[1:])
    assert tls_serving.upstream.asked == []
    assert [line["peer"] for line in lines if line["event"] == "client disconnected"] != []


@blocking
def test_python_ldap_refuses_a_certificate_of_the_wrong_authority(tls_serving: Serving, pki: Pki) -> None:
    for url in (tls_serving.url, tls_serving.tls_url):
        with libldap(tls_serving, url=url, ca=pki.wrong_ca) as client, pytest.raises(ldap.LDAPError):
            client.start_tls_s() if url == tls_serving.url else client.whoami_s()
    eventually(lambda: tls_serving.connections == 0)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@blocking
def test_a_client_that_does_not_trust_the_certificate_is_told_of_in_the_log(
    tls_serving: Serving, pki: Pki, version: ssl.TLSVersion
) -> None:
    context = ssl.create_default_context(cafile=str(pki.wrong_ca))
    context.maximum_version = version
    with capture_logs() as lines, socket.create_connection(("127.0.0.1", tls_serving.tls_port), timeout=20) as connection:
        with pytest.raises(ssl.SSLCertVerificationError):
            context.wrap_socket(connection, server_hostname="127.0.0.1")
        eventually(lambda: tls_serving.connections == 0)
    (line,) = lines
    assert line["event"] == "TLS failed" and "unknown ca" in line["reason"]
    assert line["peer"].startswith("127.0.0.1:") and "trust the certificate" in line["cure"]


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", bytes(2000), b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"]
)
@blocking
def test_what_is_not_tls_on_the_ldaps_port_ends_with_one_line(tls_serving: Serving, garbage: bytes) -> None:
    with capture_logs() as lines, socket.create_connection(("127.0.0.1", tls_serving.tls_port), timeout=20) as connection:
        connection.sendall(garbage)
        with connection.makefile("rb") as stream:
            assert b"0\x84" not in stream.read()
        eventually(lambda: tls_serving.connections == 0)
    assert [line["event"] for line in lines] == ["TLS failed"]


@blocking
def test_with_require_tls_only_starttls_and_the_root_dse_are_done_in_the_clear(serve: Serve, pki: Pki) -> None:
    serving = serve(pki, require_tls=True)
    with connected(serving) as client:
        assert client.bind(serving.portal) == ResultCode.CONFIDENTIALITY_REQUIRED
        assert client.bind(serving.ann) == ResultCode.CONFIDENTIALITY_REQUIRED
        assert serving.upstream.asked == []
        assert client.search(search_request(BASE))[1].code == ResultCode.CONFIDENTIALITY_REQUIRED
        assert client.search(search_request("cn=Subschema", scope=0))[1].code == ResultCode.CONFIDENTIALITY_REQUIRED
        assert code(client.ask(WHO_AM_I)) == ResultCode.CONFIDENTIALITY_REQUIRED
        assert len(client.search(search_request("", scope=0))[0]) == 1
        assert code(client.ask(START_TLS)) == 0
        with encrypted(client.socket, pki) as safe:
            assert safe.bind(serving.portal) == 0
            assert len(safe.search(search_request(BASE, "(uid=ann)"))[0]) == 1
    with libldap(serving, serving.ann, url=serving.tls_url, ca=pki.ca) as over_ldaps:
        assert over_ldaps.whoami_s() == f"dn:{ANN}"
