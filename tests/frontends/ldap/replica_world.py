"""A directory that tests change as the one door does, its view that follows, and real programs that follow the view."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ldap
from twisted.python.threadpool import ThreadPool

from gateway.changelog.tail import Tail
from gateway.directory.directory import Directory
from gateway.directory.materialization.follower import LogFollower
from gateway.model.applications import Scope
from gateway.model.ldap import dn
from gateway.model.ldap.syntaxes import Checks
from gateway.store.clients import applications
from gateway.store.log import changes
from gateway.twisted_internals.reactor import installed
from tests.directory.worlds import BASE, START, World, openldap_view
from tests.frontends.ldap.serving import Account, eventually, in_reactor, turn
from tests.servers.processes import ServerProcess, accepts, free_port, program

RECIPE = Path(__file__).parents[3] / "conf" / "clients" / "slapd-consumer"

KEPT = ("structuralObjectClass", "entryUUID", "createTimestamp", "modifyTimestamp", "entryCSN")
"""The operational attributes that a replica has from its provider."""

Entries = Mapping[str, Mapping[str, list[bytes]]]


class ReplicaWorld:
    """The world that Serving needs, as one that is written to. `portal` sees everything, `narrow` one organization."""

    def __init__(self, folder: Path, *, organization_ids: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.store = World(folder)
        self.database = self.store.database
        self.view = openldap_view()
        self.portal = self._application("portal")
        self.narrow = self._application("narrow", scope=Scope(organization_ids)) if organization_ids else self.portal
        self.tail = Tail(self.database, installed(), poll_seconds=0.05)
        self.threads = ThreadPool(0, 2, "search")
        self.follower = self._follower()
        self.directory = Directory([self.follower])

    def _application(self, name: str, **rights: Any) -> Account:
        _, secret = self.database.write_blocking(lambda c: applications.add(c, name, now=START, **rights))
        return Account(f"cn={name},ou=applications,{BASE}", secret)

    def _follower(self) -> LogFollower:
        return LogFollower(self.view, self.folder, self.database, self.tail, installed())

    async def start(self) -> None:
        """Returns when the view can be searched."""
        self.threads.start()
        await self._serve()

    async def _serve(self) -> None:
        self.follower.start()
        while self.follower.reader is None:
            await turn(0.01)

    async def stop(self) -> None:
        """No server may be running on it any more."""
        await self.follower.stop()
        self.threads.stop()
        self.tail.close()
        self.store.close()

    async def restart(self, *, anew: bool = False) -> None:
        """As another process would find the view; `anew`: without its file, so that it is built again."""
        await self.follower.stop()
        if anew:
            for file in self.folder.glob("view-*"):
                file.unlink()
        self.follower = self._follower()
        self.directory.followers = {self.view.name: self.follower}
        await self._serve()

    def follow(self) -> None:
        """Waits until the view has all that was committed; for blocking tests."""
        last = self.database.read_blocking(changes.last)
        eventually(lambda: self.follower.position >= last, "the view's position")


class Consumer:
    """A real slapd with the recipe of conf/clients, whose data and port outlive a restart."""

    def __init__(self, folder: Path, provider: str, account: Account, **replaced: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"ldap://127.0.0.1:{self.port}"
        (folder / "db").mkdir(parents=True)
        self._account = account
        self.configure(provider, **replaced)
        command = [program("slapd", "slapd"), "-f", str(folder / "slapd.conf"), "-h", f"{self.url}/", "-d", "sync,stats"]
        self._process = ServerProcess(command, folder / "slapd.out", cwd=folder)

    def configure(self, provider: str, **replaced: str) -> None:
        """Writes the recipe for this provider; `replaced`: options of syncrepl, instead of or beside the recipe's."""
        written = (RECIPE / "slapd.conf").read_text()
        for old, new in {
            "ldap://127.0.0.1:3890": provider,
            "cn=sample-portal,ou=applications,dc=directory,dc=example": self._account.dn,
            "application-secret": self._account.password,
            "dc=directory,dc=example": BASE,
            "/etc/ldap/schema/openssh-lpk.schema": str(RECIPE / "openssh-lpk.schema"),
            "/var/run/slapd/slapd.pid": str(self.folder / "slapd.pid"),
            "/var/lib/ldap": str(self.folder / "db"),
            'retry="5 12 60 +"': 'retry="1 +"',
        }.items():
            assert old in written, old
            written = written.replace(old, new)
        for option, value in replaced.items():
            written = re.sub(rf"\n    {option}=\S+", "", written) + f"    {option}={value}\n"
        (self.folder / "slapd.conf").write_text(written)

    def start(self) -> Consumer:
        self._process.start(lambda: accepts(self.port))
        return self

    def stop(self) -> None:
        if self._process.running:
            self._process.stop()

    def log_text(self) -> str:
        return self._process.log_text()

    def entries(self) -> Entries:
        """Everything that it has."""
        return entries(self.url, None)

    def csn(self) -> str:
        """Its contextCSN."""
        return context_csn(self.url, None)


def entries(url: str, account: Account | None) -> Entries:
    """All entries of a server by DN key, with the attributes that are replicated: names as keys, because servers spell them
    in several ways, and no values that slapd would not take."""
    found = _search(url, account, ldap.SCOPE_SUBTREE, ["*", *KEPT])
    return {dn.key(name): _comparable(attributes) for name, attributes in found}


def _comparable(attributes: Mapping[str, list[bytes]]) -> dict[str, list[bytes]]:
    checks = Checks()
    kept = {kind: sorted(value for value in values if checks[kind.encode()](value)) for kind, values in attributes.items()}
    if "member" in kept:
        kept["member"] = sorted(dn.key(value.decode()).encode() for value in kept["member"])
    return {kind: values for kind, values in kept.items() if values}


def context_csn(url: str, account: Account | None) -> str:
    """The contextCSN of the base; "" for none."""
    found = _search(url, account, ldap.SCOPE_BASE, ["contextCSN"])
    return b" ".join(found[0][1].get("contextCSN", ())).decode() if found else ""


def _search(url: str, account: Account | None, scope: int, attributes: list[str]) -> list[tuple[str, dict[str, list[bytes]]]]:
    connection = ldap.initialize(url)
    try:
        if account is not None:
            connection.simple_bind_s(account.dn, account.password)
        found: list[tuple[str, dict[str, list[bytes]]]] = connection.search_s(BASE, scope, "(objectClass=*)", attributes)
        return found
    except ldap.NO_SUCH_OBJECT:  # a replica that has nothing yet
        return []
    finally:
        connection.unbind_s()


__all__ = ["Consumer", "ReplicaWorld", "context_csn", "entries", "in_reactor"]
