"""The small parts of the process: log lines, data folder and its lock, systemd's socket, certificates, ports."""

from __future__ import annotations

import io
import json
import logging
import multiprocessing
import os
import shutil
import socket
import stat
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
import pytest_twisted
import structlog
from OpenSSL import SSL
from twisted.internet.protocol import ServerFactory

from gateway.app.listeners import Listener, Ports
from gateway.app.process import data_directory, log_setup
from gateway.app.process.certificates import Certificate
from gateway.app.process.data_directory import DataDirLock
from gateway.app.process.systemd_notify import notify
from gateway.app.value_types import Endpoint
from gateway.model.errors import ConfigurationError, StoreUnavailable
from gateway.twisted_internals.reactor import installed
from tests.servers.pki import Pki

SECRET = "-".join(["open", "sesame"])  # spelled so that the source lines of a traceback do not hold it


@pytest.fixture
def logging_restored() -> Iterator[None]:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


def fail_with_a_secret_at_hand(password: str) -> None:
    raise ValueError("no luck")


@pytest.mark.usefixtures("logging_restored")
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_in_the_log_shows_no_local_variables(form: str) -> None:
    output = io.StringIO()
    log_setup.configure("info", form, output)
    try:
        fail_with_a_secret_at_hand(SECRET)
    except ValueError:
        structlog.get_logger().exception("it went wrong")
    assert "no luck" in output.getvalue()
    assert SECRET not in output.getvalue()


@pytest.mark.usefixtures("logging_restored")
def test_a_log_event_is_one_line_whatever_a_foreign_system_says() -> None:
    output = io.StringIO()
    log_setup.configure("info", "text", output)
    structlog.get_logger().warning("the server says: no\nand no again", source="hr")
    assert output.getvalue().count("\n") == 1
    assert "no ⏎ and no again" in output.getvalue()


@pytest.mark.usefixtures("logging_restored")
def test_the_standard_library_logs_through_the_same_lines() -> None:
    output = io.StringIO()
    log_setup.configure("info", "json", output)
    logging.getLogger("some.library").warning("careful, %s", "you")
    logging.getLogger("some.library").info("chatter")
    line = json.loads(output.getvalue())
    assert (line["event"], line["library"], line["level"]) == ("careful, you", "some.library", "warning")


def test_the_data_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    data_directory.prepare(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    data_directory.prepare(tmp_path / "a" / "b")


def test_a_data_folder_that_cannot_be_is_a_complaint_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for impossible in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigurationError, match=r"\[gateway\] data_dir .*file.*name another one"):
            data_directory.prepare(impossible)


def hold(folder: Path, held: Event, done: Event) -> None:
    with DataDirLock(folder):
        held.set()
        done.wait(20)


def test_a_second_holder_of_the_data_folder_is_told_who_the_first_is(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    held, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path, held, done))
    other.start()
    assert held.wait(20)
    with pytest.raises(StoreUnavailable, match=rf"another `gateway serve` \(process {other.pid}\)"), DataDirLock(tmp_path):
        pass
    done.set()
    other.join()
    with DataDirLock(tmp_path):
        assert (tmp_path / data_directory.LOCK_FILE).read_text() == f"{os.getpid()}\n"


def test_the_data_folder_can_be_held_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / data_directory.LOCK_FILE).symlink_to("/dev/full")  # every write to it fails with ENOSPC, full(4)
    with DataDirLock(tmp_path):
        pass


def test_a_lock_that_cannot_be_opened_is_a_complaint_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / data_directory.LOCK_FILE).mkdir()
    with pytest.raises(StoreUnavailable, match=r"serve\.lock cannot be opened \(Is a directory\)"), DataDirLock(tmp_path):
        pass


def test_systemd_is_told_through_its_socket_and_a_missing_one_is_no_error(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        assert notify({"NOTIFY_SOCKET": str(tmp_path / "notify")}, "READY=1", "STATUS=fine")
        assert listening.recv(100) == b"READY=1\nSTATUS=fine"
    assert not notify({}, "READY=1")
    assert not notify({"NOTIFY_SOCKET": str(tmp_path / "nobody")}, "READY=1")


BRAINPOOL_KEY = """\
-----BEGIN EC PRIVATE KEY-----
MHgCAQEEIGs4J9V3K/5wCQ8+sohWOrXobdqvOAKPXITUOqZHD4HVoAsGCSskAwMC
CAEBCKFEA0IABCYL4jnbTpwm6fqdCeU4eXP8BT0T0VWm3fZ4HU0s64zgHaZFDQKn
GZ9ol3vH2kkCG3Lk5u3WlUMsKyb4rrWqm9M=
-----END EC PRIVATE KEY-----
"""
"""Of a curve that our libraries do not know (brainpoolP256t1); it was made for this line."""


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


@pytest_twisted.ensureDeferred
async def test_a_port_that_is_taken_is_named_with_its_table_and_the_cure() -> None:
    ports = Ports(installed())
    ports.open([Listener("ldap", [Endpoint("127.0.0.1", 0), Endpoint("localhost", 0)], ServerFactory())])
    [taken, other] = ports.addresses()["ldap"]
    assert taken != other
    with pytest.raises(ConfigurationError, match=rf"\[http\] cannot listen on {taken}: another program listens there"):
        ports.open([Listener("http", [Endpoint("127.0.0.1", int(taken.rpartition(":")[2]))], ServerFactory())])
    await ports.close()
    assert ports.addresses() == {}


@pytest_twisted.ensureDeferred
async def test_an_address_that_is_not_of_this_machine_is_a_complaint() -> None:
    for host in ("192.0.2.1", "no-such-host.invalid"):
        with pytest.raises(ConfigurationError, match=rf"\[ldap\] cannot listen on {host}:0: "):
            Ports(installed()).open([Listener("ldap", [Endpoint(host, 0)], ServerFactory())])
