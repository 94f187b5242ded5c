"""Authorization of a write: an application that is granted it, the entry that it means as it sees it, and the plan of what is
done."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gateway.directory.access import may_read
from gateway.directory.directory import Party
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.projection.view_definition import View
from gateway.directory.search.view_searcher import ViewSearcher
from gateway.directory.search.visible_rows import Row
from gateway.directory.writes import named_entries
from gateway.directory.writes.entry_to_edit import EntryEditor
from gateway.directory.writes.modifications import check_options
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import Responder
from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.core.services import Services
from gateway.frontends.ldap.search import root_dse
from gateway.model.applications import Application, Grant
from gateway.model.ldap.dn import DN
from gateway.model.objects import Kind
from gateway.sync.local.source import LocalWrite
from gateway.sync.local.writer import Writer
from gateway.wire.messages import PartialAttribute
from gateway.wire.result_codes import ResultCode


@dataclass(frozen=True, slots=True)
class Target:
    """The entry that is written to."""

    name: DN
    view: View
    searcher: ViewSearcher
    row: Row
    kind: Kind

    @property
    def object_id(self) -> str:
        """The id of the object behind the entry."""
        return self.row[2]

    @property
    def editor(self) -> EntryEditor:
        """The view's rules inverted: what is written to the entry becomes attributes of the object."""
        return EntryEditor(self.kind, self.view)

    def editor_naming(self, given: Iterable[PartialAttribute]) -> EntryEditor:
        """Return the editor for a write of these attributes, which may name other entries."""
        entries = named_entries.find(self.searcher, self.row, given)
        return EntryEditor(self.kind, self.view, entries, {"dn": (str(self.name),)})


@dataclass(frozen=True, slots=True)
class Plan:
    """The write that is going to be done, by `work`. `attributes`: those that are touched,
    for the audit; no values."""

    view: View
    kind: Kind
    name: str
    work: LocalWrite
    attributes: tuple[str, ...] = ()


Planner: TypeAlias = Callable[["Attempt"], Awaitable[Plan]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One write of one application."""

    exchange: Exchange
    responder: Responder
    writer: Writer
    application: Application

    @property
    def party(self) -> Party:
        """As whom the write is carried out."""
        return self.exchange.party

    def find(self, name: DN, key: str) -> Target:
        """Return the entry, as the party sees it. Raises Refused, NoSuchObject, ViewNotReady."""
        view, searcher = self.searcher_at(key)
        row = searcher.find(key)
        kind = _KINDS.get(row[1])
        if kind is None:
            raise Refused(ResultCode.UNWILLING_TO_PERFORM, "this entry is part of the view itself and is not written")
        return Target(name, view, searcher, row, kind)

    def searcher_at(self, key: str) -> tuple[View, ViewSearcher]:
        """Return the view in which a DN lies, and its searcher. Raises Refused, ViewNotReady."""
        if not key or key == root_dse.SUBSCHEMA_KEY:
            raise Refused(ResultCode.UNWILLING_TO_PERFORM, "this entry is the server's own and is not written")
        directory = self.exchange.services.directory
        view = directory.view_of(self.party, key)
        if view is None:
            raise Refused(ResultCode.NO_SUCH_OBJECT)
        return view, directory.searcher(view.name, self.party.access)

    def check_readable(self, description: str) -> None:
        """Refuse to write what the application may not read. Raises Refused, and WriteRefused for an attribute that cannot be
        read at all."""
        check_options(description)
        if not may_read(attribute_key(description), self.party.access.attributes):
            raise Refused(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, f"this application may not see {description}")

    def check_principals(self, searcher: ViewSearcher, given: Iterable[PartialAttribute], own_id: str = "") -> None:
        """Refuse a userPrincipalName that another person has in the view ([MS-ADTS] §3.1.1.5.1.3), also one that the view makes
        of a login name and its domain, of which the door does not know: people bind by it. `own_id`: the object that is
        written. Raises Refused."""
        values = [value for one in given if attribute_key(one.type) == "userprincipalname" for value in one.values]
        for value in values:
            if any(object_id != own_id for _, object_id, _ in searcher.reader.holders("userprincipalname", value)):
                raise Refused(ResultCode.CONSTRAINT_VIOLATION, "another entry has this userPrincipalName already")

    def check_may_set_passwords(self) -> None:
        """Raise Refused for an application without the grant."""
        if Grant.PASSWORDS not in self.application.grants:
            raise Refused(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, 'setting passwords needs the grant "passwords" beside "write"')

    async def password_hash(self, password: bytes | None) -> str | None:
        """Return the hash of a new local password; None for none. Raises Refused, and what PasswordChanges does."""
        self.check_may_set_passwords()
        changes = self.exchange.services.password_changes
        if changes is None:
            raise Refused(ResultCode.UNWILLING_TO_PERFORM, "no passwords are kept here")
        if password is None:
            return None
        if _HASHED.match(password):
            raise Refused(ResultCode.CONSTRAINT_VIOLATION, "hand over the password itself: it is hashed here")
        return await changes.hashed(password)


_HASHED = re.compile(rb"\{[\w./-]+\}")
"""The beginning of another server's hash (RFC 3112): {SSHA}…"""

_KINDS: Mapping[str, Kind] = {kind.value: kind for kind in Kind}


def authorized(exchange: Exchange, responder: Responder) -> Attempt:
    """Return the exchange's attempt to write. Raises Refused for a party that may not write."""
    application, writer = exchange.party.application, exchange.services.writer
    if application is None or writer is None:
        raise Refused(
            ResultCode.UNWILLING_TO_PERFORM,
            f"this directory is not written through the gateway; {_elsewhere(exchange.services)}",
        )
    if Grant.WRITE not in application.grants:
        raise Refused(
            ResultCode.INSUFFICIENT_ACCESS_RIGHTS,
            f'the application {application.name} does not have the grant "write"; {_elsewhere(exchange.services)}',
        )
    return Attempt(exchange, responder, writer, application)


def _elsewhere(services: Services) -> str:
    sources = ", ".join(services.sources)
    where = f"its source ({sources})" if sources else "the source it comes from"
    return f"change the entry in {where} and it follows by itself"
