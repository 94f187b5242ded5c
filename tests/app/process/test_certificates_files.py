"""A certificate is read again from its files on request."""

from __future__ import annotations

import shutil
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from OpenSSL import SSL

from gateway.app.process.certificates import Certificate, TlsPolicy
from gateway.model.errors import ConfigurationError
from tests.servers.pki import Pki

BRAINPOOL_KEY = """\
-----BEGIN EC PRIVATE KEY-----
MHgCAQEEIGs4J9V3K/5wCQ8+sohWOrXobdqvOAKPXITUOqZHD4HVoAsGCSskAwMC
CAEBCKFEA0IABCYL4jnbTpwm6fqdCeU4eXP8BT0T0VWm3fZ4HU0s64zgHaZFDQKn
GZ9ol3vH2kkCG3Lk5u3WlUMsKyb4rrWqm9M=
-----END EC PRIVATE KEY-----
"""
"""A key of a curve that our libraries do not know (brainpoolP256t1); it was made for this line."""


def test_a_certificate_is_read_again_on_request_and_a_broken_one_leaves_the_old_in_use(pki: Pki, tmp_path: Path) -> None:
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    shutil.copy(pki.certificate, certificate)
    shutil.copy(pki.key, key)
    factory = Certificate(certificate, key)
    first = factory.getContext()
    assert isinstance(first, SSL.Context)
    factory.reload()
    second = factory.getContext()
    assert second is not first
    key.write_text("nonsense")
    with pytest.raises(ConfigurationError, match=r"server\.pem and key .*server\.key cannot be used: not a PEM certificate"):
        factory.reload()
    key.write_text(BRAINPOOL_KEY)
    with pytest.raises(ConfigurationError, match="not a PEM certificate"):
        factory.reload()
    assert factory.getContext() is second
    key.unlink()
    with pytest.raises(ConfigurationError, match="No such file"):
        factory.reload()


def test_a_key_of_another_certificate_is_refused_with_both_files_and_the_cure(pki: Pki, tmp_path: Path) -> None:
    trustme.CA().issue_cert("127.0.0.1").private_key_pem.write_to_path(str(tmp_path / "other.key"))
    with pytest.raises(ConfigurationError, match=r"server\.pem and key .*other\.key cannot be used: the key is another certif"):
        Certificate(pki.certificate, tmp_path / "other.key")


def test_a_certificate_ends_with_the_first_of_its_chain(tmp_path: Path) -> None:
    soon, later = datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
    first, second = (trustme.CA().issue_cert("127.0.0.1", not_after=end) for end in (later, soon))
    (tmp_path / "chain.pem").write_bytes(b"".join(one.cert_chain_pems[0].bytes() for one in (first, second)))
    first.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    assert Certificate(tmp_path / "chain.pem", tmp_path / "key.pem").not_after() == soon


def agreed(pki: Pki, policy: TlsPolicy, ciphers: str = "DEFAULT", highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> str:
    """Return the cipher on which a client with these and the server agree; "" when they do not. Nothing goes over a wire."""
    server = SSL.Connection(Certificate(pki.certificate, pki.key, policy=policy).getContext(), None)
    server.set_accept_state()
    context = ssl.create_default_context(cafile=str(pki.ca))
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    context.maximum_version = highest
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    for _ in range(4):
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            server.bio_write(outgoing.read())
        except ssl.SSLError:
            return ""
        else:
            found = client.cipher()
            assert found is not None
            return str(found[0])
        try:
            server.do_handshake()
        except SSL.WantReadError:
            pass
        except SSL.Error:
            return ""
        incoming.write(server.bio_read(1 << 20))
    raise AssertionError("the handshake does not end")


OLD = [
    "AES128-SHA",
    "AES256-SHA256",
    "AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES256-SHA384",
]


@pytest.mark.parametrize("cipher", OLD)
def test_ciphers_without_forward_secrecy_or_with_cbc_are_not_offered(pki: Pki, cipher: str) -> None:
    assert agreed(pki, TlsPolicy(), cipher) == ""


def test_modern_ciphers_are_and_others_where_they_are_allowed(pki: Pki) -> None:
    assert agreed(pki, TlsPolicy()).endswith(("GCM-SHA256", "GCM-SHA384", "CHACHA20-POLY1305"))
    old = "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
    assert agreed(pki, TlsPolicy(ciphers=f"{old}:ECDHE+AESGCM"), old).endswith("AES128-SHA")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_the_lowest_version_is_1_2_or_what_is_asked_for(pki: Pki) -> None:
    assert agreed(pki, TlsPolicy(), highest=ssl.TLSVersion.TLSv1_1) == ""
    assert agreed(pki, TlsPolicy(min_version="1.3")) == ""
    assert agreed(pki, TlsPolicy(min_version="1.3"), highest=ssl.TLSVersion.TLSv1_3).startswith("TLS_")
