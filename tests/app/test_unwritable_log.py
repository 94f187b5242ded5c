"""A log that cannot be written is no outage: the real program with a standard error that is full, closed, or never read."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import ldap3
import pytest

from tests.app.installation import Installation, until
from tests.app.observations import application
from tests.servers.processes import accepts, free_port

BINDS = 15
"""Refused ones of one address that nothing slows down."""

SEARCHES = 1_000
"""At level debug: more log lines than a pipe holds."""


StandardError = Callable[[], AbstractContextManager[int]]


@contextmanager
def full_device() -> Iterator[int]:
    with Path("/dev/full").open("wb") as file:
        yield file.fileno()


@contextmanager
def closed_pipe() -> Iterator[int]:
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@contextmanager
def unread_pipe() -> Iterator[int]:
    reading, writing = os.pipe()
    yield writing
    os.close(reading)
    os.close(writing)


@contextmanager
def closed_from_the_beginning() -> Iterator[int]:
    yield subprocess.DEVNULL  # the shell closes it


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("error", [full_device, closed_pipe, unread_pipe, closed_from_the_beginning])
def test_law_17_a_log_line_that_cannot_be_written_stops_no_work(tmp_path: Path, error: StandardError, workers: int) -> None:
    installation = Installation(tmp_path, os.environ)
    ldap, management = free_port(), free_port()
    installation.configure(
        ldap=f'listen = "127.0.0.1:{ldap}"\nworkers = {workers}',
        log='level = "debug"',
        management=f'listen = "127.0.0.1:{management}"',
    )
    portal = application(installation)
    command = [sys.executable, "-m", "gateway", "--config", str(installation.file), "serve"]
    if error is closed_from_the_beginning:
        command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command]
    with error() as descriptor, subprocess.Popen(command, cwd=tmp_path, stderr=descriptor) as process:
        try:
            until(lambda: process.poll() is not None or accepts(ldap), "listening")
            _binds_and_searches_go_on(ldap, portal["bind_dns"][0], portal["secret"])
            with urllib.request.urlopen(f"http://127.0.0.1:{management}/healthz", timeout=10) as answer:
                assert answer.status == 200
            if error is not unread_pipe:
                until(lambda: _dropped(management) > 0, "the metric counts")
            process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()


def _binds_and_searches_go_on(port: int, dn: str, secret: str) -> None:
    server = ldap3.Server("127.0.0.1", port, get_info=ldap3.NONE)
    with ldap3.Connection(server, receive_timeout=20) as connection:

        def refused(number: int) -> bool:
            connection.rebind(f"cn={number:x<1000},{dn}", "wrong")
            return bool(connection.result["description"] == "invalidCredentials")

        until(lambda: refused(0), "the view is built")
        for number in range(BINDS):
            assert refused(number), connection.result
        connection.rebind(dn, secret)
        assert connection.result["description"] == "success"
        for _ in range(SEARCHES):
            assert connection.search("", "(objectClass=*)", "BASE", attributes=["namingContexts"])


def _dropped(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        [line] = [line for line in answer.read().decode().splitlines() if line.startswith("gateway_log_lines_dropped_total")]
    return float(line.split()[1])
