"""Notifications to systemd."""

from __future__ import annotations

import socket
from pathlib import Path

from gateway.app.process.systemd_notify import notify


def test_systemd_is_notified_through_its_socket_and_a_missing_one_is_no_error(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        assert notify({"NOTIFY_SOCKET": str(tmp_path / "notify")}, "READY=1", "STATUS=fine")
        assert listening.recv(100) == b"READY=1\nSTATUS=fine"
    assert not notify({}, "READY=1")
    assert not notify({"NOTIFY_SOCKET": str(tmp_path / "nobody")}, "READY=1")
