"""A certificate is read again from its files on request."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from OpenSSL import SSL

from gateway.app.process.certificates import Certificate
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
