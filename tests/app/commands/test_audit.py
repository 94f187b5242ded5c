"""Every command that changes something leaves an audit line with who did it, on standard error and in the system's log; no
secret is in it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.app.process import system_log
from tests.app.commands.test_commands import LDIF, LDIF_SOURCE
from tests.app.commands.test_user import piped
from tests.app.installation import Installation


class SystemLog:
    """A system log that keeps what it is sent."""

    def __init__(self, place: Path) -> None:
        self._receiving = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._receiving.bind(str(place))
        self._receiving.setblocking(False)

    def lines(self) -> list[str]:
        found = []
        try:
            while True:
                found.append(self._receiving.recv(65536).decode())
        except BlockingIOError:
            return found

    def close(self) -> None:
        self._receiving.close()


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SystemLog]:
    made = SystemLog(tmp_path / "log")
    monkeypatch.setattr(system_log, "PLACE", str(tmp_path / "log"))
    monkeypatch.setenv("SUDO_USER", "olga")
    yield made
    made.close()


@pytest.fixture
def filled(gateway: Installation) -> Installation:
    (gateway.folder / "people.ldif").write_text(LDIF)
    gateway.configure(LDIF_SOURCE)
    assert gateway("sync").code == 0
    assert gateway("application", "add", "mail").code == 0
    return gateway


COMMANDS = {
    "user disabled": ("user", "disable", "ada", "--reason", "phished"),
    "user unlocked": ("user", "unlock", "ada"),
    "user enabled": ("user", "enable", "ada"),
    "application added": ("application", "add", "portal", "--grant", "proxy"),
    "application changed": ("application", "set", "mail", "--disable", "--description", "old"),
    "application secret replaced": ("application", "new-secret", "mail"),
    "application old secret ended": ("application", "end-old-secret", "mail"),
    "application removed": ("application", "remove", "mail", "--yes"),
    "password set": ("user", "set-password", "ada"),
    "password cleared": ("user", "clear-password", "ada"),
    "application password made": ("user", "application-password", "add", "ada", "mail", "phone"),
    "token key rotated": ("instance", "rotate-key"),
    "new history": ("instance", "new-history"),
}


@pytest.mark.parametrize("event", COMMANDS)
def test_a_command_that_changes_something_leaves_an_audit_line(
    filled: Installation, journal: SystemLog, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    piped(monkeypatch, "a good password\n")
    if event == "application old secret ended":
        assert filled("application", "new-secret", "mail", "--keep-old").code == 0
    journal.lines()
    done = filled(*COMMANDS[event])
    assert done.code == 0, done
    [line] = journal.lines()
    kept = json.loads(line.partition("]: ")[2])
    assert (kept["event"], kept["by"]) == (event, "olga")
    assert f"{event} " in done.err and "by=olga" in done.err
    for secret in ["a good password", *(word for word in done.out.split() if len(word) >= 40)]:
        assert secret not in line and secret not in done.err


def test_an_application_password_that_is_revoked_leaves_one_too(filled: Installation, journal: SystemLog) -> None:
    made = filled("user", "application-password", "add", "ada", "mail", "phone", "--json").json
    journal.lines()
    assert filled("user", "application-password", "revoke", "ada", made["id"]).code == 0
    [line] = journal.lines()
    assert '"event": "application password revoked"' in line and made["id"] in line and made["password"] not in line


def test_a_system_log_that_takes_nothing_is_no_error(filled: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_log, "PLACE", str(filled.folder / "none"))
    assert filled("instance", "rotate-key").code == 0
