"""The system's log (journald or syslog), where what a command did stays after its terminal is gone: audit lines of commands."""

from __future__ import annotations

import os
import socket
from typing import Final

PLACE: Final = "/dev/log"
AUTHENTICATION_NOTICE: Final = 10 * 8 + 5
"""RFC 5424 §6.2.1: facility 10 (security and authorization), severity 5 (normal but significant)."""


def send(text: str) -> bool:
    """Send a line; return whether it was taken. Without such a log, or when it takes no more, the line is dropped."""
    data = f"<{AUTHENTICATION_NOTICE}>gateway[{os.getpid()}]: {text}".encode("utf-8", "backslashreplace")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.setblocking(False)
            sending.connect(PLACE)
            sending.send(data)
    except OSError:
        return False
    return True
