"""A directory that can be written to: what a source tells, written through the door, under three shapes, and applications."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ldap
import ldap.modlist
from twisted.python.threadpool import ThreadPool

from gateway.app.parts.clock import now
from gateway.changelog.tail import Tail
from gateway.directory.directory import Directory
from gateway.directory.materialization.follower import LogFollower
from gateway.directory.projection import view_kinds
from gateway.directory.projection.view_definition import View
from gateway.model.applications import Grant, Scope
from gateway.model.changes import Change
from gateway.model.deltas import MEMBERS, Batch, Delta, DeltaType
from gateway.model.ldap.dn import DN
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind
from gateway.model.records import Reference, ReferenceForm
from gateway.store.clients import applications
from gateway.store.engine import migrate
from gateway.store.engine.database import Database
from gateway.store.log import changes
from gateway.store.objects import organizations
from gateway.sync.inbound import Inbound
from gateway.sync.local.source import LocalDoor
from gateway.sync.local.writer import Writer
from gateway.sync.objects.posix_allocation import PosixNumbers
from gateway.twisted_internals.reactor import installed
from tests.frontends.ldap import company
from tests.frontends.ldap.serving import Account, Serving, turn

BASE = "dc=example,dc=test"
PEOPLE, GROUPS, UNITS = f"ou=people,{BASE}", f"ou=groups,{BASE}", f"ou=organizations,{BASE}"
TREE, AD = "dc=tree,dc=test", "dc=ad,dc=test"
ANNA, STAFF = f"uid=anna,{PEOPLE}", f"cn=staff,{GROUPS}"
PERSON = ["top", "person", "organizationalPerson", "inetOrgPerson"]
SHAPES = (
    view_kinds.openldap("main", DN.parse(BASE)),
    view_kinds.tree("tree", DN.parse(TREE)),
    view_kinds.active_directory("ad", DN.parse(AD)),
)


def said(kind: Kind, external_id: str, name: str, **attributes: str) -> Delta:
    """A record that the source reports: `name` below its own base."""
    naming = "username" if kind is Kind.USER else "name"
    values = {naming: (external_id,), **{key: (value,) for key, value in attributes.items()}}
    return Delta(DeltaType.UPSERT, kind, external_id, name, values)


def staff(*names: str) -> Delta:
    """The source's group."""
    members = {MEMBERS: tuple(Reference(ReferenceForm.LOGIN, name) for name in names)}
    return Delta(DeltaType.UPSERT, Kind.GROUP, "staff", "cn=staff,dc=berlin", {"name": ("staff",)}, members)


class WritableWorld:
    """The store, three views of it, and who may write. Has what `Serving` needs of a world."""

    def __init__(self, folder: Path, posix: PosixNumbers | None = None, shapes: Sequence[View] = SHAPES) -> None:
        self.folder = folder
        self.views = tuple(view.name for view in shapes)
        self.database = Database(f"sqlite:///{folder}/store.sqlite")
        migrate.migrate(self.database)
        self.source = Inbound(company.SOURCE, "ldap", now=now, posix=posix)
        self.report(
            said(Kind.ORGANIZATION, "sales", "ou=sales,dc=berlin"),
            said(Kind.ORGANIZATION, "it", "ou=it,dc=berlin"),
            said(Kind.USER, "anna", "uid=anna,ou=sales,dc=berlin", family_name="Ahn", common_name="Anna", title="Boss"),
            said(Kind.USER, "bert", "uid=bert,ou=it,dc=berlin", family_name="B", common_name="Bert"),
            staff("anna"),
        )
        self.portal = self._application("portal", grants={Grant.WRITE, Grant.PASSWORDS})
        self.clerk = self._application("clerk", grants={Grant.WRITE})
        self.reader = self._application("reader")
        sales = Scope((self.organization("sales"),), None)
        self.narrow = self._application("narrow", scope=sales, grants={Grant.WRITE})
        self.blind = self._application("blind", attributes={"uid", "cn", "sn"}, grants={Grant.WRITE})
        self.proxy = self._application("proxy", grants={Grant.WRITE, Grant.PROXY})
        self.tail = Tail(self.database, installed(), poll_seconds=0.1)
        self.followers = [LogFollower(shape, folder, self.database, self.tail, installed()) for shape in shapes]
        self.directory = Directory(self.followers)
        self.threads = ThreadPool(0, 2, "search")
        self.writer = Writer(self.database, LocalDoor(now, posix), now)

    def _application(self, name: str, **rights: Any) -> Account:
        _, secret = self.database.write_blocking(lambda c: applications.add(c, name, now=now(), views=self.views, **rights))
        return Account(f"cn={name},ou=applications,{BASE}", secret)

    def report(self, *deltas: Delta, **batch: Any) -> None:
        """One batch of the source."""
        whole = Batch(deltas, **batch)
        self.database.write_blocking(lambda c: self.source.apply(c, whole, allow_deletions=True))

    def organization(self, name: str) -> str:
        """The id of an organization right below the root."""
        [found] = self.database.read_blocking(lambda c: organizations.same_name(c, ROOT_ORGANIZATION_ID, name))
        return found

    def log(self) -> list[Change]:
        """All changes."""
        return self.database.read_blocking(lambda c: changes.after(c, 0, 1_000_000))

    async def start(self) -> None:
        """Returns when the views can be searched."""
        self.threads.start()
        for follower in self.followers:
            follower.start()
        while not all(follower.reader for follower in self.followers):
            await turn(0.01)

    async def stop(self) -> None:
        """No server may be running on it any more."""
        for follower in self.followers:
            await follower.stop()
        self.threads.stop()
        self.tail.close()
        self.database.close()


class Client:
    """python-ldap, bound."""

    def __init__(self, serving: Serving, account: Account | None) -> None:
        self.url = serving.url
        self.ldap = ldap.initialize(serving.url)
        self.ldap.set_option(ldap.OPT_NETWORK_TIMEOUT, 20)
        self.ldap.set_option(ldap.OPT_TIMEOUT, 20)
        if account is not None:
            self.ldap.simple_bind_s(account.dn, account.password)

    def add(self, name: str, **attributes: Any) -> None:
        """`attributes`: text or lists of text; objectClass is a person's unless given."""
        values = {"objectClass": PERSON, **attributes}
        self.ldap.add_s(name, [(key, _octets(value)) for key, value in values.items() if value is not None])

    def modify(self, name: str, *changes: tuple[int, str, Any]) -> None:
        """`(operation, attribute, values)` each."""
        self.ldap.modify_s(name, [(op, key, None if value is None else _octets(value)) for op, key, value in changes])

    def read(self, name: str, *attributes: str) -> dict[str, list[str]]:
        """The entry's attributes."""
        [(_, found)] = self.ldap.search_s(name, ldap.SCOPE_BASE, attrlist=list(attributes) or None)
        return {key: [value.decode("utf-8", "replace") for value in values] for key, values in found.items()}

    def names(self, base: str, filter_: str = "(objectClass=*)") -> set[str]:
        """The DNs below."""
        return {name for name, _ in self.ldap.search_s(base, ldap.SCOPE_SUBTREE, filter_, ["1.1"])}

    @contextmanager
    def refused(self, error: type[ldap.LDAPError], says: str = "") -> Iterator[None]:
        """Expect a refusal with this error, in a sentence that has these words."""
        try:
            yield
        except error as refusal:
            info = refusal.args[0]
            assert says in info.get("info", ""), info
            self.matched = info.get("matched", "")
            return
        raise AssertionError(f"not refused with {error.__name__}")


def _octets(value: Any) -> list[bytes]:
    values = [value] if isinstance(value, str | bytes) else value
    return [one.encode() if isinstance(one, str) else one for one in values]
