"""Certificates for the tests: one authority that everybody should trust and one that nobody should.

Clients must use the address 127.0.0.1: libldap checks the name `localhost` against the machine's own host name.
"""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

SERVER_NAMES = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class Pki:
    """Paths of PEM files. `certificate` and `key` belong to a server on 127.0.0.1, signed by `ca`."""

    ca: Path
    wrong_ca: Path
    certificate: Path
    key: Path

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the server's certificate."""
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.certificate.read_text())).digest()


def create(directory: Path) -> Pki:
    """Make both authorities and the server's certificate below `directory`."""
    authority, stranger = trustme.CA(), trustme.CA()
    issued = authority.issue_cert(*SERVER_NAMES)
    pki = Pki(directory / "ca.pem", directory / "wrong-ca.pem", directory / "server.pem", directory / "server.key")
    authority.cert_pem.write_to_path(str(pki.ca))
    stranger.cert_pem.write_to_path(str(pki.wrong_ca))
    issued.cert_chain_pems[0].write_to_path(str(pki.certificate))
    pki.key.touch(mode=0o600)  # before the secret is written: some servers refuse a key that others may read
    issued.private_key_pem.write_to_path(str(pki.key))
    return pki
