"""SIGHUP reads the certificates again: open connections go on, new ones get the new one, a broken one changes nothing."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from gateway.wire import oids
from gateway.wire.messages import ExtendedRequest
from tests.app.installation import Installation, Serving, until
from tests.app.observations import wait_until_all_serve
from tests.frontends.ldap.wire_client import WireClient, search_request
from tests.servers import pki as certificates
from tests.servers.pki import Pki

ROOT_DSE = search_request("", scope=0)
READ_AGAIN = "certificates are read again"
STAYS = "the old certificate stays in use"


class Presented:
    """The files that the gateway presents to its clients, of the authority that it was given last."""

    def __init__(self, folder: Path, pki: Pki) -> None:
        self.certificate, self.key = folder / "ldap.pem", folder / "ldap.key"
        self.become(pki)

    def become(self, pki: Pki) -> None:
        shutil.copy(pki.certificate, self.certificate)
        shutil.copy(pki.key, self.key)


@dataclass(frozen=True, slots=True)
class Protected:
    """A gateway, and what it presents."""

    serving: Serving
    presented: Presented


@contextmanager
def protected(folder: Path, pki: Pki, workers: int) -> Iterator[Protected]:
    files = Presented(folder, pki)
    listening = 'listen = "127.0.0.1:0"\ntls_listen = "127.0.0.1:0"'
    installation = Installation(folder, os.environ | {"GATEWAY_LDAP__WORKERS": str(workers)})
    installation.configure(ldap=f'{listening}\ncertificate = "{files.certificate}"\nkey = "{files.key}"')
    with installation.serve() as running:
        yield Protected(running, files)


@pytest.fixture(scope="module")
def one_process(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Protected]:
    with protected(tmp_path_factory.mktemp("one"), pki, 1) as running:
        yield running


@pytest.fixture(scope="module")
def with_workers(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Protected]:
    with protected(tmp_path_factory.mktemp("workers"), pki, 2) as running:
        yield running


@pytest.fixture(params=["one_process", "with_workers"])
def either(request: pytest.FixtureRequest, pki: Pki) -> Iterator[Protected]:
    """A gateway of each kind, shared by all tests; the certificate is put back after each test."""
    found: Protected = request.getfixturevalue(request.param)
    yield found
    put_back(found, pki)


def put_back(gateway: Protected, pki: Pki) -> None:
    gateway.presented.become(pki)
    reread(gateway.serving, READ_AGAIN)
    until(lambda: trusted(gateway.serving, pki), "the first certificate is presented")


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Another authority, and a certificate of it."""
    return certificates.create(tmp_path_factory.mktemp("renewed"))


def plain(serving: Serving) -> WireClient:
    host, port = serving.addresses["ldap"].split(":")
    return WireClient(socket.create_connection((host, int(port)), timeout=20))


def over_tls(connection: socket.socket, pki: Pki) -> WireClient:
    context = ssl.create_default_context(cafile=str(pki.ca))
    return WireClient(context.wrap_socket(connection, server_hostname="127.0.0.1"))


def ldaps(serving: Serving, pki: Pki) -> WireClient:
    host, port = serving.addresses["ldaps"].split(":")
    return over_tls(socket.create_connection((host, int(port)), timeout=20), pki)


def started(client: WireClient, pki: Pki) -> WireClient:
    """Return the connection after StartTLS."""
    client.ask(ExtendedRequest(oids.START_TLS))
    return over_tls(client.socket, pki)


def lives(client: WireClient) -> bool:
    return client.search(ROOT_DSE)[1].code == 0


def trusted(serving: Serving, pki: Pki) -> bool:
    """Return True when new connections of both kinds are presented a certificate of this authority."""
    try:
        with ldaps(serving, pki) as client, started(plain(serving), pki) as other:
            return lives(client) and lives(other)
    except ssl.SSLCertVerificationError:
        return False


def reread(serving: Serving, line: str) -> None:
    """Send SIGHUP and wait for the log line."""
    before = serving.log_text().count(line)
    serving.process.send_signal(signal.SIGHUP)
    until(lambda: serving.log_text().count(line) > before, line)


def test_new_connections_get_the_new_certificate_and_open_ones_go_on(either: Protected, pki: Pki, renewed: Pki) -> None:
    serving = either.serving
    open_ones = [ldaps(serving, pki), ldaps(serving, pki), started(plain(serving), pki), plain(serving)]
    assert all(map(lives, open_ones))
    either.presented.become(renewed)
    assert trusted(serving, pki)  # nothing happens before the signal
    reread(serving, READ_AGAIN)
    until(lambda: trusted(serving, renewed), "the new certificate is presented")
    assert not trusted(serving, pki)
    assert all(map(lives, open_ones))
    with started(open_ones.pop(), renewed) as late:
        assert lives(late)
    for client in open_ones:
        client.close()
    assert serving.process.poll() is None


def test_a_broken_certificate_leaves_the_old_one_in_use_until_it_is_repaired(either: Protected, pki: Pki, renewed: Pki) -> None:
    assert trusted(either.serving, pki)
    either.presented.certificate.write_text("nonsense")
    reread(either.serving, STAYS)
    assert trusted(either.serving, pki)
    either.presented.become(renewed)
    reread(either.serving, READ_AGAIN)
    until(lambda: trusted(either.serving, renewed), "the new certificate is presented")


def test_the_whole_chain_is_presented(either: Protected, tmp_path: Path) -> None:
    root = trustme.CA()
    issued = root.create_child_ca().issue_cert("127.0.0.1")
    either.presented.certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    either.presented.key.write_bytes(issued.private_key_pem.bytes())
    reread(either.serving, READ_AGAIN)
    root.cert_pem.write_to_path(str(tmp_path / "root.pem"))
    only_the_root = Pki(tmp_path / "root.pem", tmp_path / "root.pem", either.presented.certificate, either.presented.key)
    until(lambda: trusted(either.serving, only_the_root), "the chain is presented")


def test_a_worker_that_begins_after_a_failed_reading_has_the_certificate_that_is_in_use(
    with_workers: Protected, pki: Pki
) -> None:
    serving = with_workers.serving
    old = wait_until_all_serve(serving)
    with_workers.presented.certificate.write_text("nonsense")
    reread(serving, STAYS)
    for pid in old.values():
        os.kill(pid, signal.SIGKILL)
    until(lambda: set(wait_until_all_serve(serving).values()).isdisjoint(old.values()), "both are replaced")
    assert trusted(serving, pki)
    put_back(with_workers, pki)
