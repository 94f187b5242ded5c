"""What victims notice: searches at a steady pace, and people with the right password, from an address that does nothing wrong.

Runs in a process of its own, so that what it measures is the gateway's delay and not the attacker's."""

from __future__ import annotations

import json
import socket
import sys
import time
from dataclasses import asdict, dataclass, field

from gateway.wire.codec.decoder import decode_message
from gateway.wire.framing import Framer
from gateway.wire.limits import Limits
from gateway.wire.messages import LDAPMessage
from scripts.siege_attacks.ldap_client import Address, bind, search
from scripts.siege_attacks.victim import BASE, LOCAL_PEOPLE, PEOPLE, guest, person

SOURCE_ADDRESS = "127.0.0.2"
SEARCH_EVERY_SECONDS, LOGIN_EVERY_SECONDS = 0.02, 0.2
PATIENCE_SECONDS = 10.0


@dataclass(slots=True)
class Noticed:
    """What the probe saw: seconds of each search, and what became of right passwords by result code (-1: no answer)."""

    searches: list[float] = field(default_factory=list)
    logins: list[float] = field(default_factory=list)
    failed_searches: int = 0
    refused: dict[str, int] = field(default_factory=dict)


class Client:
    """One connection with one request at a time. Raises OSError when the gateway does not answer in time."""

    def __init__(self, address: Address) -> None:
        self._socket = socket.create_connection(address, PATIENCE_SECONDS, (SOURCE_ADDRESS, 0))
        self._framer = Framer(Limits())

    def ask(self, message: bytes) -> int:
        """The result code of the last answer."""
        self._socket.sendall(message)
        while True:
            data = self._socket.recv(65_536)
            if not data:
                raise ConnectionError("closed")
            for answer in self._framer.feed(data):
                code = result_code(decode_message(answer, Limits()))
                if code is not None:
                    return code

    def close(self) -> None:
        self._socket.close()


def result_code(message: LDAPMessage) -> int | None:
    result = getattr(message.operation, "result", None)
    return None if result is None else int(result.code)


def run(address: Address, dn: str, secret: str, seconds: float) -> Noticed:
    """Ask and log in for so long."""
    noticed, end, turn = Noticed(), time.monotonic() + seconds, 0
    client: Client | None = None
    next_login = time.monotonic()
    while (began := time.monotonic()) < end:
        turn += 1
        try:
            if client is None:
                client = Client(address)
                if client.ask(bind(1, dn, secret)) != 0:
                    raise ConnectionError("refused")
                began = time.monotonic()
            client.ask(search(2, BASE, f"(uid=user{turn * 37 % PEOPLE:06d})"))
            noticed.searches.append(time.monotonic() - began)
        except OSError:
            noticed.failed_searches += 1
            client = None
        if time.monotonic() >= next_login:
            next_login = time.monotonic() + LOGIN_EVERY_SECONDS
            log_in(address, turn, noticed)
        time.sleep(max(0.0, began + SEARCH_EVERY_SECONDS - time.monotonic()))
    return noticed


def log_in(address: Address, turn: int, noticed: Noticed) -> None:
    """A right password, of slapd's people and of the gateway's in turns."""
    name, password = person(turn % PEOPLE) if len(noticed.logins) % 2 else guest(turn % LOCAL_PEOPLE)
    began, code = time.monotonic(), -1
    try:
        client = Client(address)
        code = client.ask(bind(1, name, password))
        client.close()
    except OSError:
        pass
    noticed.logins.append(time.monotonic() - began)
    if code != 0:
        noticed.refused[str(code)] = noticed.refused.get(str(code), 0) + 1


def main() -> None:
    """Arguments: host, port, seconds; the application's DN and secret are two lines of standard input."""
    host, port, seconds = sys.argv[1:]
    dn, secret = (sys.stdin.readline().rstrip("\n") for _ in range(2))
    json.dump(asdict(run((host, int(port)), dn, secret, float(seconds))), sys.stdout)


if __name__ == "__main__":
    main()
