"""A TCP proxy on loopback that holds back what a server answers: a slow upstream, as slow as a test wants it at the moment."""

from __future__ import annotations

import contextlib
import socket
from threading import Event, Thread


class SlowProxy:
    """Between its clients and `port`. `delay_seconds`: how long each piece of an answer is held back, from now on."""

    def __init__(self, port: int) -> None:
        self.delay_seconds = 0.0
        self._target = port
        self._ended = Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"ldap://127.0.0.1:{self._listening.getsockname()[1]}"
        self._sockets: list[socket.socket] = [self._listening]
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End it and every connection."""
        self._ended.set()
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._join(client)

    def _join(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:  # the server is down: so is the proxy, for this client
            client.close()
            return
        self._sockets += (client, server)
        Thread(target=self._pump, args=(client, server, False), daemon=True).start()
        Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, slowly: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if slowly:
                    self._ended.wait(self.delay_seconds)
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
