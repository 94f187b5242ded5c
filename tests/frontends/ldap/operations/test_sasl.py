"""SASL: PLAIN, which does what a simple bind does, EXTERNAL as the application that a client certificate names."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from structlog.testing import capture_logs

from gateway.store.clients import applications
from gateway.store.engine.database import Connection
from gateway.wire import oids
from gateway.wire.messages import BindRequest, BindResponse, ExtendedRequest, ExtendedResponse, Operation, SaslAuthentication
from gateway.wire.result_codes import ResultCode
from tests.frontends.ldap.bind_names_world import application_name, every_name, granted
from tests.frontends.ldap.client_programs import tool
from tests.frontends.ldap.company import ANN
from tests.frontends.ldap.conftest import Serve
from tests.frontends.ldap.serving import Account, Serving, World, blocking, eventually
from tests.frontends.ldap.wire_client import connected, search_request
from tests.servers.pki import Pki
from tests.servers.processes import program

OK, REFUSED = ResultCode.SUCCESS, ResultCode.INVALID_CREDENTIALS


def sasl(mechanism: str, credentials: bytes | None) -> BindRequest:
    return BindRequest(3, "", SaslAuthentication(mechanism, credentials))


def code(answer: Operation) -> int:
    assert isinstance(answer, BindResponse)
    return answer.result.code


@pytest.fixture
def serving(serve: Serve, world: World) -> Serving:
    return serve(directory=every_name(world))


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        (b"\0ann\0ann-secret", OK),
        (b"\0ann@example.test\0ann-secret", OK),
        (b"\0EXAMPLE\\ann\0ann-secret", OK),
        (f"\0{ANN}\0ann-secret".encode(), OK),
        (b"u:ann\0ann\0ann-secret", OK),
        (f"dn:{ANN}\0ann\0ann-secret".encode(), OK),
        (f"dn:{ANN.upper()}\0ann\0ann-secret".encode(), OK),
        (b"u:bob\0ann\0ann-secret", REFUSED),
        (b"dn:uid=bob\0ann\0ann-secret", REFUSED),
        (b"dn:nonsense\0ann\0ann-secret", REFUSED),
        (b"ann\0ann\0ann-secret", REFUSED),
        (b"\0ann\0wrong", REFUSED),
        (b"\0nobody\0ann-secret", REFUSED),
        (b"\0ann\0", ResultCode.UNWILLING_TO_PERFORM),
        (b"ann\0ann-secret", ResultCode.PROTOCOL_ERROR),
        (b"\0\0", ResultCode.PROTOCOL_ERROR),
        (b"\0\xff\0x", ResultCode.PROTOCOL_ERROR),
        (b"\0a\0b\0c", ResultCode.PROTOCOL_ERROR),
    ],
)
@blocking
def test_plain_is_a_simple_bind_for_oneself(serving: Serving, credentials: bytes, expected: int) -> None:
    with connected(serving) as client:
        assert code(client.ask(sasl("PLAIN", credentials))) == expected
        answer = client.ask(ExtendedRequest(oids.WHO_AM_I))
        assert isinstance(answer, ExtendedResponse)
        assert answer.value == (f"dn:{ANN}".encode() if expected == OK else b"")


@blocking
def test_the_audit_line_has_mechanism_and_identity_and_calls_no_refused_bind_accepted(serving: Serving) -> None:
    with capture_logs() as lines, connected(serving) as client:
        client.ask(sasl("PLAIN", b"u:ann\0ann\0ann-secret"))
        client.ask(sasl("PLAIN", b"u:bob\0ann\0ann-secret"))
    binds = [(line["result"], line["mechanism"], line["authzid"], line["dn"]) for line in lines if line["event"] == "bind"]
    assert binds == [("accepted", "PLAIN", "u:ann", ANN), ("refused", "PLAIN", "u:bob", ANN)]
    assert "ann-secret" not in repr(lines)


@blocking
def test_law_12_a_word_that_is_nobodys_name_may_be_a_password_and_is_not_written(serving: Serving) -> None:
    with capture_logs() as lines, connected(serving) as client:
        assert client.bind(Account("hunter2", "x")) == REFUSED
        assert code(client.ask(sasl("PLAIN", b"\0hunter2\0x"))) == REFUSED
        assert client.bind(Account("nobody@example.test", "x")) == REFUSED
    shown = [line["dn"] for line in lines if line["event"] == "bind"]
    assert shown == ["a word that is nobody's name (7 characters)"] * 2 + ["nobody@example.test"]
    assert "hunter2" not in repr(lines)


@blocking
def test_plain_without_credentials_is_asked_for_them_and_goes_on(serving: Serving) -> None:
    with connected(serving, serving.portal) as client:
        answer = client.ask(sasl("PLAIN", None))
        assert isinstance(answer, BindResponse)
        assert (answer.result.code, answer.server_sasl_credentials) == (ResultCode.SASL_BIND_IN_PROGRESS, b"")
        whoami = client.ask(ExtendedRequest(oids.WHO_AM_I))
        assert isinstance(whoami, ExtendedResponse) and whoami.value == b""
        assert code(client.ask(sasl("plain", b"\0ann\0ann-secret"))) == OK


@pytest.mark.parametrize("mechanism", ["GSSAPI", "DIGEST-MD5", "SCRAM-SHA-256", "", "PLAIN "])
@blocking
def test_other_mechanisms_are_not_spoken(serving: Serving, mechanism: str) -> None:
    with connected(serving) as client:
        assert code(client.ask(sasl(mechanism, b"\0ann\0ann-secret"))) == ResultCode.AUTH_METHOD_NOT_SUPPORTED


@blocking
def test_ldapwhoami_binds_by_plain(serving: Serving) -> None:
    done = tool("ldapwhoami", serving.url, None, "-Y", "PLAIN", "-O", "none", "-U", "ann", "-w", "ann-secret")
    assert (done.returncode, done.stdout.strip()) == (0, f"dn:{ANN}"), done.stderr
    done = tool("ldapwhoami", serving.url, None, "-Y", "PLAIN", "-O", "none", "-U", "ann", "-w", "wrong")
    assert done.returncode == REFUSED


@blocking
def test_where_tls_is_required_no_mechanism_is_offered_before_it(serve: Serve, pki: Pki) -> None:
    serving = serve(pki, require_tls=True)
    with connected(serving) as client:
        (root,), _ = client.search(search_request("", scope=0, attributes=("supportedSASLMechanisms",)))
        assert root.attributes == ()
        assert code(client.ask(sasl("PLAIN", b"\0ann\0ann-secret"))) == ResultCode.CONFIDENTIALITY_REQUIRED


# ---- EXTERNAL


class Badge:
    """A client certificate as files, and the authority that has signed it."""

    def __init__(self, folder: Path, authority: trustme.CA, *names: str) -> None:
        self.authority = authority
        issued = authority.issue_cert(*names, common_name="Portal", organization_name="Example")
        self.certificate, self.key, self.ca = folder / "client.pem", folder / "client.key", folder / "client-ca.pem"
        issued.cert_chain_pems[0].write_to_path(str(self.certificate))
        issued.private_key_pem.write_to_path(str(self.key))
        authority.cert_pem.write_to_path(str(self.ca))


@pytest.fixture
def badge(tmp_path: Path) -> Badge:
    return Badge(tmp_path, trustme.CA(), "portal.example.test", "ops@example.test")


def whoami(
    serving: Serving, pki: Pki, badge: Badge | None, *arguments: str, starttls: bool
) -> subprocess.CompletedProcess[str]:
    """ldapwhoami -Y EXTERNAL with the certificate."""
    environment = {"LDAPTLS_CACERT": str(pki.ca), "LDAPTLS_REQCERT": "demand"}
    if badge is not None:
        environment |= {"LDAPTLS_CERT": str(badge.certificate), "LDAPTLS_KEY": str(badge.key)}
    way = ["-H", serving.url, "-ZZ"] if starttls else ["-H", serving.tls_url]
    command = [program("ldapwhoami", "ldap-utils"), *way, "-Y", "EXTERNAL", "-Q", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, env=environment)


@pytest.mark.parametrize("starttls", [False, True])
@pytest.mark.parametrize("name", ["the subject", "portal.example.test", "email:ops@example.test"])
@blocking
def test_ldapwhoami_is_the_application_that_its_certificate_names(
    serve: Serve, world: World, pki: Pki, badge: Badge, name: str, starttls: bool
) -> None:
    serving = serve(pki, client_ca=badge.ca)
    account = granted(world, certificate_names=[subject_of(badge) if name == "the subject" else name])
    done = whoami(serving, pki, badge, starttls=starttls)
    assert (done.returncode, done.stdout.strip()) == (0, f"dn:{account.dn}"), done.stderr
    done = whoami(serving, pki, badge, "-X", "u:somebody", starttls=starttls)
    assert done.returncode == REFUSED
    remove(world, application_name(account))


def subject_of(badge: Badge) -> str:
    """The certificate's subject as openssl writes it by RFC 2253."""
    command = ["openssl", "x509", "-in", str(badge.certificate), "-noout", "-subject", "-nameopt", "RFC2253"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.removeprefix("subject=").strip()


def remove(world: World, name: str) -> None:
    def work(connection: Connection) -> None:
        found = applications.by_name(connection, name)
        assert found is not None
        applications.remove(connection, found.id)

    world.database.write_blocking(work)


@blocking
def test_a_certificate_that_names_no_application_opens_nothing(serve: Serve, pki: Pki, badge: Badge) -> None:
    assert whoami(serve(pki, client_ca=badge.ca), pki, badge, starttls=False).returncode == REFUSED


@blocking
def test_clients_without_a_certificate_are_served_and_offered_no_external(serve: Serve, pki: Pki, badge: Badge) -> None:
    serving = serve(pki, client_ca=badge.ca)
    done = tool("ldapwhoami", serving.tls_url, serving.portal, ca=pki.ca)
    assert done.stdout.strip() == f"dn:{serving.portal.dn}", done.stderr
    assert whoami(serving, pki, None, starttls=False).returncode != 0
    listed = tool("ldapsearch", serving.tls_url, serving.portal, "-s", "base", "-LLL", "supportedSASLMechanisms", ca=pki.ca)
    assert "PLAIN" in listed.stdout and "EXTERNAL" not in listed.stdout


@blocking
def test_a_certificate_of_a_strange_authority_ends_the_handshake(serve: Serve, pki: Pki, badge: Badge, tmp_path: Path) -> None:
    (tmp_path / "stranger").mkdir()
    stranger = Badge(tmp_path / "stranger", trustme.CA(), "portal.example.test")
    serving = serve(pki, client_ca=badge.ca)
    assert whoami(serving, pki, stranger, starttls=False).returncode != 0
    eventually(lambda: serving.connections == 0)


PYTHON_LDAP = """
import ldap, sys
url, ca, certificate, key = sys.argv[1:]
connection = ldap.initialize(url)
connection.set_option(ldap.OPT_X_TLS_CACERTFILE, ca)
connection.set_option(ldap.OPT_X_TLS_CERTFILE, certificate)
connection.set_option(ldap.OPT_X_TLS_KEYFILE, key)
connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
connection.sasl_external_bind_s()
print(connection.whoami_s())
"""


@blocking
def test_python_ldap_binds_by_external(serve: Serve, world: World, pki: Pki, badge: Badge) -> None:
    serving = serve(pki, client_ca=badge.ca)
    account = granted(world, certificate_names=["portal.example.test"])
    files = (serving.tls_url, str(pki.ca), str(badge.certificate), str(badge.key))
    # In a process of its own: it holds the interpreter while it waits for the server, which is in this one.
    done = subprocess.run([sys.executable, "-c", PYTHON_LDAP, *files], capture_output=True, text=True, timeout=20)
    assert done.stdout.strip() == f"dn:{account.dn}", done.stderr
    remove(world, application_name(account))


def revoking(badge: Badge, *, revoked: bool, until: timedelta) -> Path:
    """The list of revoked certificates of the badge's authority, with the badge in it or without."""
    own, ca = (x509.load_pem_x509_certificate(file.read_bytes()) for file in (badge.certificate, badge.ca))
    now = datetime.now(UTC)
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca.subject)
        .last_update(now - timedelta(days=9))
        .next_update(now + until)
    )
    if revoked:
        serial = x509.RevokedCertificateBuilder().serial_number(own.serial_number)
        made = made.add_revoked_certificate(serial.revocation_date(now - timedelta(days=1)).build())
    key = load_pem_private_key(badge.authority.private_key_pem.bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    file = badge.ca.with_name("crl.pem")
    file.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize(
    ("revoked", "until", "welcome"),
    [(False, timedelta(days=1), True), (True, timedelta(days=1), False), (False, timedelta(days=-1), False)],
)
@blocking
def test_a_revoked_certificate_opens_nothing_nor_one_whose_list_is_out_of_date(
    serve: Serve, world: World, pki: Pki, badge: Badge, revoked: bool, until: timedelta, welcome: bool
) -> None:
    account = granted(world, certificate_names=["portal.example.test"])
    serving = serve(pki, client_ca=badge.ca, client_crl=revoking(badge, revoked=revoked, until=until))
    try:
        assert (whoami(serving, pki, badge, starttls=False).returncode == 0) is welcome
        done = tool("ldapwhoami", serving.tls_url, serving.portal, ca=pki.ca)
        assert done.stdout.strip() == f"dn:{serving.portal.dn}", "without a certificate nothing changes"
    finally:
        remove(world, application_name(account))
