"""The holder of a lease: the name of this process among all nodes. What a killed process of this machine held is given back
when the next one opens the store; what one of another machine held ends by itself."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from pathlib import Path
from typing import Final

from gateway.store.engine.database import Connection, Database
from gateway.store.operations import leases

_TOKEN: Final = secrets.token_hex(4)


def _machine() -> str:
    """Return a digest of where process ids count: this boot of this machine, and this namespace of processes. Hosts may share a
    name."""
    parts = [socket.gethostname()]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            parts.append(str(Path(path).readlink()) if path.endswith("pid") else Path(path).read_text().strip())
        except OSError:
            parts.append("")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


_MACHINE: Final = _machine()


def name() -> str:
    """Return this process's name: host, machine, process id, and a token because ids come again."""
    return f"{socket.gethostname()}:{_MACHINE}:{os.getpid()}:{_TOKEN}"


def is_gone(holder: str) -> bool:
    """Return whether the process that `holder` names was on this machine and has ended. False in doubt."""
    rest, _, process = holder.rpartition(":")[0].rpartition(":")
    if rest.rpartition(":")[2] != _MACHINE or not process.isdecimal():
        return False
    if int(process) == os.getpid():  # in a container every gateway may be process 1
        return holder != name()
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is there, and another user's
        return False
    return False


def free_left_behind(database: Database) -> None:
    """Give back what killed processes of this machine held."""
    left = [(lease, holder) for lease, holder in database.read_blocking(leases.all_holders) if is_gone(holder)]

    def release(connection: Connection) -> None:
        for lease, holder in left:
            leases.free(connection, lease, holder)

    if left:
        database.write_blocking(release)
