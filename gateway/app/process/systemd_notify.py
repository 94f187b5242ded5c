"""Notifications to systemd (sd_notify(3)): one datagram to $NOTIFY_SOCKET; nothing when it is not set."""

from __future__ import annotations

import socket
from collections.abc import Mapping


def notify(environ: Mapping[str, str], *states: str) -> bool:
    """Send `states` such as "READY=1"; True when they were sent. Never raises: a manager that does not answer stops no
    server."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
            connection.connect(address)
            connection.sendall("\n".join(states).encode())
    except OSError:
        return False
    return True
