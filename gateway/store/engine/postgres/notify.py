"""Notices to other nodes that the change log has grown: PostgreSQL's NOTIFY with the commit, and a thread that LISTENs.

A notice only saves time: it may be lost, so a listener polls as well."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable

from sqlalchemy import Connection, text

from gateway.store.engine import store_url
from gateway.store.engine.transaction_notes import LAST_CHANGE

CHANNEL = "gateway_changes"
RETRY_SECONDS = 1.0
"""The wait of a listener before it connects again."""

JOIN_SECONDS = 1.0
"""The longest wait of `stop` for the thread, which takes longer only while a server does not answer."""

_NOTIFY = text("SELECT pg_notify(:channel, :number)")


def notify(connection: Connection) -> None:
    """Send the notice of this transaction's changes, if it made any; it goes out when the transaction commits."""
    number = connection.info.get(LAST_CHANGE)
    if number is not None and connection.dialect.name == "postgresql":
        connection.execute(_NOTIFY, {"channel": CHANNEL, "number": str(number)})


class Listener:
    """Calls `on_notice()` in a thread of its own whenever some node may have committed changes, until `stop`.

    A lost server is no error here: it connects again, and calls `on_notice()` because notices were missed meanwhile.
    """

    def __init__(self, url: str, on_notice: Callable[[], None]) -> None:
        parsed = store_url.parse(url).set(drivername="postgresql")
        self._conninfo = parsed.render_as_string(hide_password=False)
        self._on_notice = on_notice
        self._stopping = threading.Event()
        self._wake, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="store-listen", daemon=True)

    def start(self) -> None:
        """Start the thread; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread. May be called twice."""
        self._stopping.set()
        self._waker.close()
        self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        import psycopg  # only a node of several needs the driver, which takes some 8 MiB

        with self._wake:
            while not self._stopping.is_set():
                # The store's own work reports a dead server with its cure; a second report would double each line.
                with contextlib.suppress(psycopg.Error):
                    self._listen()
                self._stopping.wait(RETRY_SECONDS)

    def _listen(self) -> None:
        from gateway.store.engine.postgres.silence import CONNECT_SECONDS, KEEPALIVES, BoundedConnection

        settings = {"connect_timeout": CONNECT_SECONDS, **KEEPALIVES}
        with BoundedConnection.connect(self._conninfo, autocommit=True, **settings) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            self._on_notice()
            while True:
                ready, _, _ = select.select([connection.fileno(), self._wake.fileno()], [], [])
                if self._wake.fileno() in ready:
                    return
                for _notice in connection.notifies(timeout=0):
                    self._on_notice()
