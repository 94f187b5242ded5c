"""A well-behaved client that asks the same questions all the while: it must always get the right answers, in time."""

from __future__ import annotations

import threading
import time
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException

from scripts.fuzzing import world
from scripts.fuzzing.world import BASES, Access

IN_TIME_SECONDS = 5  # the machine is busy with the fuzzing itself
PAUSE_SECONDS = 0.02
NEW_CONNECTION_EVERY = 25
SOURCE_ADDRESS = "127.0.0.2"  # what one address may use up must not be the canary's
NUMBER = world.CANARY
EXPECTED = {
    "sn": [f"Sur{NUMBER:06d}".encode()],
    "mail": [f"{world.login(NUMBER)}@example.test".encode()],
}
QUESTIONS = (
    (BASES["openldap"], f"(uid={world.login(NUMBER)})"),
    (BASES["tree"], f"(mail={world.login(NUMBER)}@example.test)"),
    (BASES["ad"], f"(&(objectCategory=person)(sAMAccountName={world.login(NUMBER)}))"),
    (BASES["openldap"], f"(cn=*{NUMBER:06d}*)"),
)


class Canary(threading.Thread):
    """A client that asks from start() until stop(). `complaint` is the first thing that was wrong."""

    def __init__(self, access: Access) -> None:
        super().__init__(name="canary", daemon=True)
        self.complaint = ""
        self.questions = 0
        self.slowest_seconds = 0.0
        self._access = access
        self._over = threading.Event()

    def stop(self) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        try:
            while not self._over.is_set():
                self._one_connection()
        except (LDAPException, OSError) as error:
            self.complaint = f"the canary's connection failed: {error!r}"

    def _one_connection(self) -> None:
        """Bind, ask a while, let the person of the questions log in, and leave."""
        connection = self._connect(self._access.dn, self._access.secret)
        for _ in range(NEW_CONNECTION_EVERY):
            for base, text in QUESTIONS:
                self._ask(connection, base, text)
            if self.complaint or self._over.wait(PAUSE_SECONDS):
                self._over.set()
                break
        connection.unbind()
        self._connect(world.person(NUMBER), world.password(NUMBER)).unbind()

    def _connect(self, dn: str, password: str) -> Any:
        server = ldap3.Server(*self._access.ldap, get_info=ldap3.NONE, connect_timeout=IN_TIME_SECONDS)
        connection = ldap3.Connection(
            server, dn, password, raise_exceptions=True, receive_timeout=IN_TIME_SECONDS, source_address=SOURCE_ADDRESS
        )
        connection.bind()
        return connection

    def _ask(self, connection: Any, base: str, text: str) -> None:
        began = time.monotonic()
        connection.search(base, text, attributes=list(EXPECTED))
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)
        self.questions += 1
        found = [dict(entry["raw_attributes"]) for entry in connection.response]
        if found != [EXPECTED]:
            self.complaint = self.complaint or f"{text} below {base} found {found}"
