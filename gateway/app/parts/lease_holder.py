"""The holder of a lease: the name of this process among all nodes. Leases that a killed process of this machine held are
released when the next process opens the embedded store; with a store that nodes share, a lease ends by itself."""

from __future__ import annotations

import os
import secrets
import socket
from typing import Final

from gateway.store.engine.database import Connection, Database
from gateway.store.operations import leases

_TOKEN: Final = secrets.token_hex(4)


def name() -> str:
    """Return this process's name: host, process id, and a token because process ids come again."""
    return f"{socket.gethostname()}:{os.getpid()}:{_TOKEN}"


def is_gone(holder: str) -> bool:
    """Return True when the process that `holder` names was on this machine and has ended; False in doubt."""
    host, _, process = holder.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname() or not process.isdecimal():
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
    """Release the leases of killed processes of this machine; only for a store that no other machine uses."""
    left = [(lease, holder) for lease, holder in database.read_blocking(leases.all_holders) if is_gone(holder)]

    def release(connection: Connection) -> None:
        for lease, holder in left:
            leases.release(connection, lease, holder)

    if left:
        database.write_blocking(release)
