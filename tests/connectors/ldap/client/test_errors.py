"""Failures between the gateway and a real slapd: each failure names source, URL and cure, and none is an empty answer."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.connectors.ldap.client.settings import Upstream
from gateway.connectors.ldap.openldap.settings import openldap_kind_settings
from gateway.connectors.ldap.openldap.source import OpenLDAPSource
from gateway.model.errors import GatewayError, SourceRefused, SourceUnavailable
from gateway.model.objects import Kind
from tests.conftest import StartSlapd
from tests.connectors.openldap_upstream import add_person, settings, source, upstream
from tests.connectors.record_replica import RecordReplica
from tests.servers.people import people
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd


def reading_fails(reading: OpenLDAPSource) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        RecordReplica().read(reading)
    return caught.value


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_wrong_password_names_the_name_the_code_and_the_cure(slapd: Slapd) -> None:
    error = reading_fails(source(slapd, upstream=upstream(slapd, password="wrong-secret")))
    assert isinstance(error, SourceRefused)
    assert str(error) == (
        f"source hr: {slapd.url}: bind as cn=reader,dc=example,dc=test refused (49 invalidCredentials): "
        "check bind_dn and password"
    )


def test_a_wrong_password_is_not_tried_at_the_replica(slapd: Slapd, start_slapd: StartSlapd) -> None:
    replica = start_slapd()
    both = upstream(slapd, urls=(slapd.url, replica.url), password="wrong-secret")
    assert isinstance(reading_fails(source(slapd, upstream=both)), SourceRefused)
    assert "BIND dn=" not in replica.log_text()


def test_a_name_that_does_not_resolve(slapd: Slapd) -> None:
    error = reading_fails(source(slapd, upstream=upstream(slapd, urls=("ldap://no-such-host.invalid",))))
    assert isinstance(error, SourceUnavailable)
    assert "the name no-such-host.invalid cannot be resolved: check the URL" in str(error)


def test_a_port_without_a_listener(slapd: Slapd) -> None:
    error = reading_fails(source(slapd, upstream=upstream(slapd, urls=("ldap://127.0.0.1:1",))))
    assert isinstance(error, SourceUnavailable)
    assert "127.0.0.1: Connection refused" in str(error)


def test_all_of_several_urls_are_named_when_none_can_be_reached(slapd: Slapd) -> None:
    error = reading_fails(source(slapd, upstream=upstream(slapd, urls=("ldap://127.0.0.1:1", "ldap://127.0.0.1:2"))))
    assert "ldap://127.0.0.1:1, ldap://127.0.0.1:2" in str(error)


@pytest.mark.parametrize(("scheme", "start_tls"), [("ldap", False), ("ldap", True), ("ldaps", False)])
def test_a_server_that_accepts_and_never_answers_is_given_up(
    slapd: Slapd, silent_port: int, scheme: str, start_tls: bool
) -> None:
    url = f"{scheme}://127.0.0.1:{silent_port}"
    changed = upstream(slapd, urls=(url,), start_tls=start_tls, connect_seconds=0.2, answer_seconds=0.2)
    error = reading_fails(source(slapd, upstream=changed))
    assert isinstance(error, SourceUnavailable)
    assert f"source hr: {url}: no answer" in str(error)


def test_a_server_that_hangs_in_the_middle_of_a_refresh_is_given_up(slapd: Slapd) -> None:
    reading = source(slapd, upstream=upstream(slapd, answer_seconds=1)).read(None, follow=False)
    next(reading)
    slapd.suspend()
    with pytest.raises(SourceUnavailable, match=r"no answer for 1 s: see whether the server hangs"):
        list(reading)
    slapd.resume()


def test_a_server_of_another_protocol_has_another_error_than_one_that_is_down(slapd: Slapd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        changed = upstream(slapd, urls=(f"ldap://127.0.0.1:{server.getsockname()[1]}",))
        assert "what came is not LDAP" in str(reading_fails(source(slapd, upstream=changed)))
        thread.join()


def test_plain_ldap_at_a_port_of_tls_is_told_so(slapd: Slapd) -> None:
    error = reading_fails(source(slapd, upstream=upstream(slapd, urls=(slapd.ldaps_url.replace("ldaps:", "ldap:"),))))
    assert isinstance(error, SourceUnavailable)
    assert str(error).endswith("before the first answer: see whether the port takes ldaps:// only")


@pytest.mark.parametrize("way", ["ldaps", "start_tls"])
def test_tls_with_the_right_authority_reads(slapd: Slapd, pki: Pki, way: str) -> None:
    add_person(slapd, "ada")
    assert RecordReplica().read(source(slapd, upstream=secure(slapd, pki, way))).names(Kind.USER) == {"ada"}


@pytest.mark.parametrize("way", ["ldaps", "start_tls"])
def test_tls_with_the_wrong_authority_is_refused_before_the_password_is_sent(slapd: Slapd, pki: Pki, way: str) -> None:
    error = reading_fails(source(slapd, upstream=secure(slapd, pki, way, ca_file=pki.wrong_ca)))
    assert isinstance(error, SourceRefused)
    assert "the server's certificate is not accepted" in str(error)
    assert "as ca_file" in str(error)
    assert "BIND dn=" not in slapd.log_text()


def test_a_certificate_for_another_name_is_refused(slapd: Slapd, pki: Pki) -> None:
    changed = upstream(slapd, urls=(slapd.ldaps_url.replace("127.0.0.1", "127.0.0.2"),), ca_file=pki.ca)
    with socket.create_server(("127.0.0.2", slapd.ldaps_port)) as relay:
        thread = threading.Thread(target=pass_on, args=(relay, slapd.ldaps_port))
        thread.start()
        error = reading_fails(source(slapd, upstream=changed))
        thread.join()
    assert "IP address mismatch" in str(error)
    assert "use the name that the server's certificate bears" in str(error)


def pass_on(relay: socket.socket, port: int) -> None:
    """Carry the first connection's octets to the port and back, until one side has enough."""
    client, _ = relay.accept()
    with client, socket.create_connection(("127.0.0.1", port)) as server, contextlib.suppress(OSError):
        other = {client: server, server: client}
        while True:
            for ready in select.select([client, server], [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                other[ready].sendall(data)


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_ca_file_that_cannot_be_used_is_named(slapd: Slapd, pki: Pki, tmp_path: Any, content: str | None) -> None:
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    error = reading_fails(source(slapd, upstream=secure(slapd, pki, "ldaps", ca_file=ca_file)))
    assert isinstance(error, SourceRefused)
    assert f"ca_file {ca_file} cannot be used" in str(error)


def test_start_tls_at_a_server_without_a_certificate_is_refused_before_the_password_is_sent(slapd: Slapd, pki: Pki) -> None:
    configuration = slapd.directory / "slapd.conf"
    slapd.stop()
    lines = configuration.read_text().splitlines(keepends=True)
    configuration.write_text("".join(line for line in lines if not line.startswith("TLS")))
    slapd.start()
    error = reading_fails(source(slapd, upstream=secure(slapd, pki, "start_tls")))
    assert "StartTLS was refused" in str(error)
    assert "use an ldaps:// URL" in str(error)
    assert "BIND dn=" not in slapd.log_text()


@pytest.mark.parametrize("syncprov", [True, False])
def test_an_answer_that_the_server_cut_short_is_not_used(start_slapd: StartSlapd, syncprov: bool) -> None:
    slapd = start_slapd(syncprov=syncprov, ldif=people(100), extra=("sizelimit size.soft=20 size.hard=20",))
    limited = upstream(slapd, bind_dn=f"uid=user000001,ou=dept1,ou=people,{slapd.suffix}", password="secret1")
    replica = RecordReplica()
    with pytest.raises(SourceRefused, match=r"\(4 sizeLimitExceeded.*the answer is incomplete and was not used; raise"):
        replica.read(source(slapd, upstream=limited))
    assert Kind.USER not in {kind for batch in replica.batches for kind in batch.completes}


def test_a_base_that_does_not_exist_is_refused_and_never_empty(slapd: Slapd) -> None:
    bases = (f"ou=people,{slapd.suffix}", f"ou=nowhere,{slapd.suffix}")
    error = reading_fails(source(slapd, kinds=(openldap_kind_settings(Kind.USER, bases),)))
    assert isinstance(error, SourceRefused)
    assert f"base ou=nowhere,{slapd.suffix} cannot be read (32 noSuchObject): correct the base" in str(error)


def test_an_anonymous_reader_of_a_closed_server_is_refused(slapd: Slapd) -> None:
    anonymous = replace(upstream(slapd), bind_dn="", password="")
    assert isinstance(reading_fails(source(slapd, upstream=anonymous)), SourceRefused)


def test_values_that_are_not_utf_8_are_left_out_with_a_warning_that_names_them(slapd: Slapd) -> None:
    dn = add_person(slapd, "ada", userPKCS12=b"\xff\xfe")
    mapping = settings(slapd).kinds[0].mapping
    odd = replace(mapping, attributes={**mapping.attributes, "badge": ("userPKCS12",)})
    users = (replace(settings(slapd).kinds[0], mapping=odd),)
    replica = RecordReplica().read(source(slapd, kinds=users))
    assert "badge" not in replica.named("ada").attributes
    (warning,) = replica.warnings
    assert warning == f"source hr: {dn}: userPKCS12: a value is not UTF-8 and was left out; correct it at the source"


def test_an_entry_without_the_naming_attribute_is_a_problem_and_not_an_error(slapd: Slapd) -> None:
    dn = f"cn=printer,ou=people,{slapd.suffix}"
    slapd.add(dn, "inetOrgPerson", {"sn": "printer"})
    (delta,) = RecordReplica().read(source(slapd)).records.values()
    assert delta.problem.startswith(f"source hr: {dn} has no usable uid, which username is read from: give it one")


def secure(slapd: Slapd, pki: Pki, way: str, **changes: Any) -> Upstream:
    if way == "ldaps":
        return upstream(slapd, **({"urls": (slapd.ldaps_url,), "ca_file": pki.ca} | changes))
    return upstream(slapd, **({"start_tls": True, "ca_file": pki.ca} | changes))


def test_a_source_that_was_closed_before_its_read_began_does_not_connect(slapd: Slapd) -> None:
    closed = source(slapd)
    reading = closed.read(None, follow=True)
    closed.close()
    with pytest.raises(SourceUnavailable, match="reading was stopped"):
        next(reading)
    assert "SRCH" not in slapd.log_text()
