"""Those who are measured: a slapd with the data, a slapd that replicates it, the gateway. Each is a process and an endpoint."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException

from scripts.benchmark.load import Endpoint
from tests.servers.people import people
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd
from tests.servers.slapd import start as start_loaded
from tests.servers.slapd_configuration import SlapdOptions

INDEXES = ("objectClass,entryUUID,entryCSN,uid,sn,mail,member eq", "cn eq,sub")
ORGANIZATIONS = 10
GIVE_UP_SECONDS = 1800.0
POLL_SECONDS = 0.05


class BenchError(RuntimeError):
    """A contender did not come as far as it should have."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large the directory is."""

    people: int = 100_000
    groups: int = 1_000
    members: int = 100

    @property
    def entries(self) -> int:
        """The least that a walk over the whole tree must return."""
        return self.people + self.groups


@dataclass(frozen=True, slots=True)
class Contender:
    """`stop` ends it in an orderly way; `start` may return before it can answer."""

    name: str
    endpoint: Endpoint
    pid: Callable[[], int]
    stop: Callable[[], None]
    start: Callable[[], object]
    start_seconds: float = 0.0  # from a cold start with nothing to everything searchable


def start_slapd(directory: Path, pki: Pki, size: Size) -> Slapd:
    """The provider: mdb with indexes, no log, syncprov, the generated directory loaded."""
    options = SlapdOptions(log="0", memberof=False, refint=False, indexes=INDEXES)
    return start_loaded(directory, pki, options, people(size.people, size.groups, size.members, ORGANIZATIONS))


def as_contender(server: Slapd, name: str = "slapd", start_seconds: float = 0.0) -> Contender:
    endpoint = Endpoint(server.port, server.reader.dn, server.reader.password, server.suffix)
    return Contender(name, endpoint, lambda: server.pid, server.stop, server.start, start_seconds)


def start_replica(directory: Path, pki: Pki, provider: Slapd, *, durable: bool = False) -> tuple[Slapd, float]:
    """An empty slapd with the same indexes that pulls everything by refreshAndPersist; and the seconds until it was there.

    `durable` is slapd's own default: it syncs to disk after each entry.
    It is there when its contextCSN is the provider's: slapd writes that at the end of the refresh (RFC 4533 section 3.3).
    """
    source = f'provider={provider.url} type=refreshAndPersist retry="1 +" searchbase="{provider.suffix}"'
    account = f'bindmethod=simple binddn="{provider.admin.dn}" credentials={provider.admin.password}'
    options = SlapdOptions(
        log="0",
        syncprov=False,
        memberof=False,
        refint=False,
        indexes=INDEXES,
        durable=durable,
        extra=(f"syncrepl rid=001 {source} {account}",),
    )
    wanted = context_csn(provider)
    began = time.monotonic()
    replica = Slapd(directory, pki, options).start()
    wait_until(lambda: context_csn(replica) == wanted, "the slapd replica has the provider's contextCSN")
    return replica, time.monotonic() - began


def context_csn(server: Slapd) -> list[bytes]:
    """The state of the server's main database; empty while its suffix entry is missing."""
    try:
        found = ask(server.connect(), server.suffix, "(objectClass=*)", ldap3.BASE, "contextCSN")
    except LDAPException:
        return []
    finally:
        server.close_connections()
    return found[0] if found else []


def ask(connection: Any, base: str, text: str, scope: str, attribute: str) -> list[list[bytes]]:
    """The values of one attribute in every entry that the search finds."""
    connection.search(base, text, scope, attributes=[attribute], dereference_aliases=ldap3.DEREF_NEVER)
    entries = [entry for entry in connection.response if entry["type"] == "searchResEntry"]
    return [entry["raw_attributes"].get(attribute) or [] for entry in entries]


def connect(endpoint: Endpoint) -> Any:
    """A bound ldap3 connection."""
    server = ldap3.Server("127.0.0.1", endpoint.port, get_info=ldap3.NONE)
    return ldap3.Connection(
        server, endpoint.bind_dn, endpoint.password, auto_bind=True, raise_exceptions=True, check_names=False
    )


def wait_until(reached: Callable[[], bool], what: str, poll_seconds: float = POLL_SECONDS) -> None:
    """Ask until it is so; BenchError after GIVE_UP_SECONDS."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            raise BenchError(f"gave up waiting until {what}")
        time.sleep(poll_seconds)
