"""`gateway serve` as a real process, from a real slapd to a real LDAP client and an HTTP client; its start, signals and end."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.app.installation import BASE_DN, Installation, Serving, beside_slapd, until
from tests.app.observations import PEOPLE, application, metrics, readiness, titles, wait_until_read
from tests.servers.people import person_dn, person_password
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

ANONYMOUS_BIND = bytes.fromhex("300c 020101 6007 020103 0400 8000")


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway that all tests here may ask, and none may change or end."""

    installation: Installation
    serving: Serving
    portal: dict[str, Any]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Running]:
    with beside_slapd(tmp_path_factory.mktemp("running"), pki, os.environ) as (installation, _):
        portal = application(installation)
        with installation.serve() as serving:
            wait_until_read(serving)
            yield Running(installation, serving, portal)


def test_a_running_gateway_is_asked_to_synchronize_and_does_it(running: Running) -> None:
    done = running.installation("sync", "--full", "--json")
    [report] = done.json
    assert (done.code, report["mode"], report["status"]) == (0, "full", "succeeded")
    assert report["counts"]["user unchanged succeeded"] == 20
    until(lambda: "full run 2: nothing changed" in running.serving.log_text(), "the running gateway says so")


def test_the_developer_api_answers_over_http(running: Running) -> None:
    portal = running.portal
    path = urllib.parse.urlsplit(portal["base_url"]).path
    base = f"http://{running.serving.addresses['http']}{path}"
    form = {"grant_type": "client_credentials", "client_id": portal["client_id"], "client_secret": portal["secret"]}
    asking = urllib.request.Request(f"{base}/oauth2/token", data=urllib.parse.urlencode(form).encode(), method="POST")
    with urllib.request.urlopen(asking, timeout=10) as answer:
        token = json.load(answer)["access_token"]
    reading = urllib.request.Request(f"{base}/users", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(reading, timeout=10) as answer:
        assert json.load(answer)["totalCount"] == 20


def test_metrics_and_readiness_tell_of_every_part(running: Running) -> None:
    names = {check["name"] for check in readiness(running.serving)[1]["checks"]}
    assert names >= {"store", "schema", "view openldap", "source hr"}
    assert 'gateway_view_lag_changes{view="openldap"} 0.0' in metrics(running.serving)


def test_a_second_gateway_on_the_same_data_folder_is_refused(running: Running) -> None:
    first = running.serving.process
    with running.installation.serve() as second:
        assert second.process.wait(30) == 5
        assert f"in use by another `gateway serve` (process {first.pid})" in second.log_text()
    assert first.poll() is None


def test_from_slapd_to_an_ldap_client_that_binds_as_a_person(installed: Installation, upstream: Slapd) -> None:
    portal = application(installed)
    with installed.serve() as serving:
        wait_until_read(serving)
        with serving.connect(portal["bind_dns"][0], portal["secret"]) as connection:
            assert connection.search(PEOPLE, "(mail=user000003@example.test)", attributes=["cn", "memberOf"])
            [entry] = connection.response
            assert entry["dn"] == f"uid=user000003,{PEOPLE}"
            assert entry["attributes"]["memberOf"] == [f"cn=group00000,ou=groups,{BASE_DN}"]
            upstream.modify(person_dn(3), {"title": ["Chief"]})
            until(lambda: titles(connection, "user000003") == ["Chief"], "the change is readable")
            upstream.delete(person_dn(4))
            until(lambda: not titles(connection, "user000004"), "the deletion is readable")
        assert serving.bind(entry["dn"], person_password(3)) == "success"
        assert serving.bind(entry["dn"], "wrong") == "invalidCredentials"
        upstream.stop()
        assert serving.bind(entry["dn"], person_password(3)) == "unavailable"
        for outcome in ("accepted", "refused", "unavailable"):
            line = f'gateway_upstream_seconds_count{{outcome="{outcome}",source="hr"}} 1.0'
            until(lambda: line in metrics(serving), line)  # noqa: B023
        assert serving.stop() == 0
        for secret in (portal["secret"], person_password(3), "reader-secret"):
            assert secret not in serving.log_text()


def test_a_restart_goes_on_where_it_was_deletions_included(installed: Installation, upstream: Slapd) -> None:
    portal = application(installed)
    with installed.serve() as serving:
        wait_until_read(serving)
        assert serving.stop() == 0
    upstream.delete(person_dn(4))
    upstream.modify(person_dn(5), {"title": ["Chief"]})
    with installed.serve() as serving:
        with serving.connect(portal["bind_dns"][0], portal["secret"]) as connection:
            until(lambda: titles(connection, "user000005") == ["Chief"], "the change is readable")
            until(lambda: not titles(connection, "user000004"), "the deletion is readable")
        [source] = installed("status", "--json").json["sources"]
        assert (source["last_run"]["mode"], source["last_run"]["trigger"]) == ("incremental", "start")
        assert source["read_by"]


def test_a_source_that_is_down_keeps_nothing_else_from_starting(installed: Installation, upstream: Slapd) -> None:
    upstream.stop()
    with installed.serve() as serving:
        until(lambda: "source hr: ldap://" in serving.log_text(), "the failure is logged")
        assert until(lambda: readiness(serving)[0] == 200, "the gateway is ready")
        upstream.start()
        wait_until_read(serving)
        assert serving.log_text().count("source hr: ldap://") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_also_while_clients_are_connected(gateway: Installation, number: signal.Signals) -> None:
    with gateway.serve() as serving:
        host, port = serving.addresses["ldap"].split(":")
        with socket.create_connection((host, int(port)), timeout=20) as client:
            client.sendall(ANONYMOUS_BIND)
            assert client.recv(4096)
            assert serving.stop(number) == 0
            assert b"1.3.6.1.4.1.1466.20036" in client.recv(4096)  # notice of disconnection, RFC 4511 §4.4.1
        assert "the gateway has stopped" in serving.log_text()
        assert "Traceback" not in serving.log_text()


def test_a_port_that_is_taken_ends_the_start_with_a_complaint(gateway: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        gateway.configure(http=f'listen = "127.0.0.1:{port}"')
        with gateway.serve() as serving:
            assert serving.process.wait(30) == 2
    assert f"[http] cannot listen on 127.0.0.1:{port}: another program listens there" in serving.log_text()
    assert "Traceback" not in serving.log_text()


def test_a_store_that_is_no_database_ends_the_start_with_a_complaint(gateway: Installation) -> None:
    (gateway.folder / "data").mkdir()
    (gateway.folder / "data" / "store.sqlite").write_bytes(b"this is not a database, and long enough to be sure of it" * 50)
    with gateway.serve() as serving:
        assert serving.process.wait(30) == 5
    assert "store.sqlite" in serving.log_text() and "Traceback" not in serving.log_text()


def test_an_unmigrated_postgresql_store_is_refused(gateway: Installation, postgres_database: str) -> None:
    gateway.configure(store=f'url = "{postgres_database}"')
    with gateway.serve() as serving:
        assert serving.process.wait(30) == 5
    assert "run `gateway migrate`" in serving.log_text()
    assert gateway("migrate").code == 0
    with gateway.serve() as serving:
        assert until(lambda: readiness(serving)[0] == 200, "the gateway is ready")
        assert serving.stop() == 0


def test_systemd_is_told_when_it_is_ready_and_when_it_stops_and_log_lines_can_be_json(
    gateway: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.configure(log='format = "json"')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with gateway.serve() as serving:
            assert manager.recv(1000).startswith(b"READY=1\nSTATUS=serving ")
            serving.stop()
            assert manager.recv(1000) == b"STOPPING=1"
    lines = [json.loads(line) for line in serving.log_text().splitlines()]
    assert any(line["event"] == "the gateway serves" for line in lines)


def test_a_second_signal_ends_it_no_sooner_and_prints_no_traceback(gateway: Installation) -> None:
    with gateway.serve() as serving:
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGTERM):
            serving.process.send_signal(number)
        assert serving.process.wait(30) == 0
        assert "the gateway has stopped" in serving.log_text()
        assert "Traceback" not in serving.log_text()
