"""Contenders: the measured servers as the rows see them; and the slapd that everything comes from, with its replica."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException

from scripts.benchmark.load_generator.load import Endpoint
from scripts.benchmark.servers import sample
from scripts.benchmark.servers.prepared import Prepared
from tests.servers.people import base_tree
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd
from tests.servers.slapd_configuration import SlapdOptions

INDEXES = ("objectClass,entryUUID,entryCSN,uid,sn,mail,member eq", "cn eq,sub")
PROVIDER = SlapdOptions(
    log="0", memberof=False, refint=False, indexes=INDEXES, extra=("moduleload argon2",), session_log="memory"
)
GIVE_UP_SECONDS = 3600.0
POLL_SECONDS = 0.05


class BenchError(RuntimeError):
    """A contender did not come as far as it should have, or answered something else than the other."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One server. `person`: the DN of a person as a template for the load generator. `stop` ends it in an orderly way;
    `start` may return before it can answer. `tls_port`: 0 where it has none."""

    name: str
    endpoint: Endpoint
    person: str
    pid: Callable[[], int]
    stop: Callable[[], None]
    start: Callable[[], object]
    tls_port: int = 0

    @property
    def encrypted(self) -> Endpoint:
        """The same over TLS."""
        return replace(self.endpoint, port=self.tls_port, tls=True)


def start_slapd(directory: Path, pki: Pki, options: SlapdOptions, ldif: Iterable[str], prepared: Prepared, name: str) -> Slapd:
    """A slapd that holds tests.servers' base_tree and `ldif`; loaded only when there is nothing prepared of this name."""
    server = Slapd(directory, pki, options)
    if not prepared.fetch(name, directory / "db"):
        server.load(part for source in ([base_tree(server.suffix)], ldif) for part in source)
        prepared.keep(name, directory / "db")
    return server.start()


def as_contender(server: Slapd, name: str = "slapd") -> Contender:
    endpoint = Endpoint(server.port, server.reader.dn, server.reader.password, server.suffix)
    return Contender(
        name, endpoint, sample.PERSON_DN, lambda: server.pid, server.stop, server.start, tls_port=server.ldaps_port
    )


def start_replica(directory: Path, pki: Pki, provider: Slapd, *, durable: bool = False) -> tuple[Slapd, float]:
    """An empty slapd with the same indexes that pulls everything by refreshAndPersist; and the seconds until it was there.

    `durable` is slapd's own default: it syncs to disk after each entry.
    It is there when its contextCSN is the provider's: slapd writes that at the end of the refresh (RFC 4533 section 3.3).
    """
    source = f'provider={provider.url} type=refreshAndPersist retry="1 +" searchbase="{provider.suffix}"'
    account = f'bindmethod=simple binddn="{provider.admin.dn}" credentials={provider.admin.password}'
    options = replace(
        PROVIDER, syncprov=False, durable=durable, extra=(*PROVIDER.extra, f"syncrepl rid=001 {source} {account}")
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
    server = ldap3.Server(endpoint.host, endpoint.port, get_info=ldap3.NONE)
    return ldap3.Connection(
        server, endpoint.bind_dn, endpoint.password, auto_bind=True, raise_exceptions=True, check_names=False
    )


def finds(endpoint: Endpoint, text: str) -> bool:
    """Return True when a search over a connection made for it finds something; False while the server does not answer."""
    try:
        connection = connect(endpoint)
    except LDAPException:
        return False
    try:
        return bool(ask(connection, endpoint.base, text, "SUBTREE", "1.1"))
    except LDAPException:
        return False
    finally:
        connection.unbind()


def wait_until(reached: Callable[[], bool], what: str, poll_seconds: float = POLL_SECONDS) -> None:
    """Wait until `reached` returns True; BenchError after GIVE_UP_SECONDS."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            raise BenchError(f"gave up waiting until {what}")
        time.sleep(poll_seconds)
