"""SIGHUP reads the certificates again: open connections go on, new ones get the new one, a broken one changes nothing."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from gateway.wire import oids
from gateway.wire.messages import ExtendedRequest
from tests.app.installation import Installation, Serving, until
from tests.app.watching import wait_until_all_serve
from tests.frontends.ldap.bare import Bare, search_request
from tests.servers import pki as certificates
from tests.servers.pki import Pki

ROOT_DSE = search_request("", scope=0)


class Presented:
    """The files that the gateway presents to its clients, whosever they are at the moment."""

    def __init__(self, folder: Path, pki: Pki) -> None:
        self.certificate, self.key = folder / "ldap.pem", folder / "ldap.key"
        self.become(pki)

    def become(self, pki: Pki) -> None:
        shutil.copy(pki.certificate, self.certificate)
        shutil.copy(pki.key, self.key)


@pytest.fixture
def presented(gateway: Installation, pki: Pki, tmp_path: Path) -> Presented:
    files = Presented(tmp_path, pki)
    listening = 'listen = "127.0.0.1:0"\ntls_listen = "127.0.0.1:0"'
    gateway.configure(ldap=f'{listening}\ncertificate = "{files.certificate}"\nkey = "{files.key}"')
    return files


@pytest.fixture
def serving(gateway: Installation, presented: Presented, both_ways: None) -> Iterator[Serving]:
    with gateway.serve() as running:
        yield running


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Another authority, and a certificate of it."""
    return certificates.create(tmp_path_factory.mktemp("renewed"))


def plain(serving: Serving) -> Bare:
    host, port = serving.addresses["ldap"].split(":")
    return Bare(socket.create_connection((host, int(port)), timeout=20))


def over_tls(connection: socket.socket, pki: Pki) -> Bare:
    context = ssl.create_default_context(cafile=str(pki.ca))
    return Bare(context.wrap_socket(connection, server_hostname="127.0.0.1"))


def ldaps(serving: Serving, pki: Pki) -> Bare:
    host, port = serving.addresses["ldaps"].split(":")
    return over_tls(socket.create_connection((host, int(port)), timeout=20), pki)


def started(client: Bare, pki: Pki) -> Bare:
    """The same connection after StartTLS."""
    client.ask(ExtendedRequest(oids.START_TLS))
    return over_tls(client.socket, pki)


def lives(client: Bare) -> bool:
    return client.search(ROOT_DSE)[1].code == 0


def trusted(serving: Serving, pki: Pki) -> bool:
    """Whether new connections of both kinds are presented a certificate of this authority."""
    try:
        with ldaps(serving, pki) as client, started(plain(serving), pki) as other:
            return lives(client) and lives(other)
    except ssl.SSLCertVerificationError:
        return False


def reread(serving: Serving, line: str) -> None:
    """SIGHUP, and wait for what the gateway says of it."""
    said = serving.log_text().count(line)
    serving.process.send_signal(signal.SIGHUP)
    until(lambda: serving.log_text().count(line) > said, line)


def test_new_connections_get_the_new_certificate_and_open_ones_go_on(
    serving: Serving, presented: Presented, pki: Pki, renewed: Pki
) -> None:
    open_ones = [ldaps(serving, pki), ldaps(serving, pki), started(plain(serving), pki), plain(serving)]
    assert all(map(lives, open_ones))
    presented.become(renewed)
    assert trusted(serving, pki)  # nothing happens before the signal
    reread(serving, "certificates are read again")
    until(lambda: trusted(serving, renewed), "the new certificate is presented")
    assert not trusted(serving, pki)
    assert all(map(lives, open_ones))
    with started(open_ones.pop(), renewed) as late:
        assert lives(late)
    for client in open_ones:
        client.close()
    assert serving.process.poll() is None


def test_a_broken_certificate_leaves_the_old_one_in_use_until_it_is_repaired(
    serving: Serving, presented: Presented, pki: Pki, renewed: Pki
) -> None:
    assert trusted(serving, pki)
    presented.certificate.write_text("nonsense")
    reread(serving, "the old certificate stays in use")
    assert trusted(serving, pki)
    presented.become(renewed)
    reread(serving, "certificates are read again")
    until(lambda: trusted(serving, renewed), "the new certificate is presented")


def test_a_worker_that_begins_after_a_failed_reading_has_the_certificate_that_is_in_use(
    gateway: Installation, presented: Presented, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_LDAP__WORKERS", "2")
    with gateway.serve() as serving:
        old = wait_until_all_serve(serving)
        presented.certificate.write_text("nonsense")
        reread(serving, "the old certificate stays in use")
        for pid in old.values():
            os.kill(pid, signal.SIGKILL)
        until(lambda: set(wait_until_all_serve(serving).values()).isdisjoint(old.values()), "both are replaced")
        assert trusted(serving, pki)


def test_the_whole_chain_is_presented(gateway: Installation, presented: Presented, tmp_path: Path) -> None:
    root = trustme.CA()
    issued = root.create_child_ca().issue_cert("127.0.0.1")
    presented.certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    presented.key.write_bytes(issued.private_key_pem.bytes())
    root.cert_pem.write_to_path(str(tmp_path / "root.pem"))
    only_the_root = Pki(tmp_path / "root.pem", tmp_path / "root.pem", presented.certificate, presented.key)
    with gateway.serve() as serving:
        assert trusted(serving, only_the_root)
