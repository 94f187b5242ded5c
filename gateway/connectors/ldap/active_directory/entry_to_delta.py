"""The mapping from an entry of Active Directory to a Delta: identity, scope, mapping and account status. Pure.

The objectGUID is the external id. Members are referenced by GUID too, so that neither a renamed member nor one that is out of
scope for a while is lost."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from gateway.connectors.ldap.active_directory import windows_values
from gateway.connectors.ldap.active_directory.settings import ActiveDirectoryKindSettings
from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.deltas import MEMBERS, Delta, DeltaType
from gateway.model.errors import SourceRefused
from gateway.model.mapping.inbound import ENABLED, EntryAttributes, map_entry
from gateway.model.objects import Kind
from gateway.model.records import Reference

OBJECT_GUID: Final = "objectGUID"

_UNMAPPED_ATTRIBUTES: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.ORGANIZATION: (OBJECT_GUID,),
    Kind.USER: (OBJECT_GUID, "objectSid", "primaryGroupID", "userAccountControl", "accountExpires"),
    Kind.GROUP: (OBJECT_GUID, "objectSid"),
}
"""The attributes that are requested beside those of the mapping."""

LOCKED_OUT_AT, LOCKED_UNTIL = "locked_out_at", "locked_until"

_TIMES = frozenset({"lockouttime", "accountexpires"})
"""FILETIMEs that become Generalized Time; pwdLastSet stays as it is: it only marks a new password."""


_CONFLICT: Final = re.compile(r"(?:[^,\\]|\\.)*(?:\\0A|\n)CNF:", re.IGNORECASE | re.DOTALL)
"""The beginning of a DN whose first RDN has the mark of a replication conflict."""


@dataclass(frozen=True, slots=True)
class ActiveDirectoryEntry:
    """One entry that was read. `delta`: None when it is out of scope. `sid`: its security identifier. `primary_group`: the SID
    of the group that a user is a member of without standing in its link. `expires`: the moment in accountExpires, in ticks."""

    guid: str
    delta: Delta | None
    sid: bytes = b""
    primary_group: bytes = b""
    expires: int | None = None


class ActiveDirectoryEntryMapper:
    """The EntryMapper of one kind (client/entry_mapper.py). `now`: the moment that accountExpires is compared with; `lockout`:
    DomainController.lockout."""

    def __init__(
        self,
        source_id: str,
        settings: ActiveDirectoryKindSettings,
        now: Callable[[], datetime],
        lockout: int | None = None,
    ) -> None:
        self._lockout = lockout
        self.settings = settings
        self.kind: Kind = settings.kind
        self.links = settings.mapping.attributes.get(MEMBERS, ()) if self.kind is Kind.GROUP else ()
        """The linked attributes that hold the members."""
        self._source_id = source_id
        self._now = now
        mapped, points = settings.mapping.attributes, settings.mapping.points
        self._references = {name: tuple(map(str.lower, theirs)) for name, theirs in mapped.items() if name in points}
        plain = {name: theirs for name, theirs in mapped.items() if name != MEMBERS and name not in points}
        self._mapping = replace(settings.mapping, attributes=plain)
        referring = (name for theirs in self._references.values() for name in theirs)
        wanted = {
            name.lower(): name for name in (*self._mapping.source_attributes, *referring, *_UNMAPPED_ATTRIBUTES[self.kind])
        }
        self.identified_attributes = tuple(wanted.values())
        """The attributes to request; those of `links` are requested beside them."""

    def to_entry(self, object_name: bytes, attributes: EntryAttributes) -> ActiveDirectoryEntry:
        """Map an entry, but for its members. Raises SourceRefused when it shows no objectGUID: without it the entry would count
        as deleted."""
        dn = windows_values.plain_dn(object_name.decode(errors="replace"))
        found = {description.lower(): values for description, values in attributes}
        if not found.get("objectguid"):
            raise SourceRefused(f"source {self._source_id}: {dn} shows no objectGUID: give bind_dn the right to read it")
        guid = windows_values.guid_text(found["objectguid"][0])
        if not self.settings.contains(dn):
            return ActiveDirectoryEntry(guid, None)
        time_text = windows_values.time_text
        converted = [(name, time_text(values) if name.lower() in _TIMES else values) for name, values in attributes]
        delta = map_entry(self._mapping, self._source_id, guid, dn, converted)
        named = {name: link_references(self._first(found, theirs)) for name, theirs in self._references.items()}
        delta = replace(delta, references={**delta.references, **named})
        if _is_conflict(dn, found):
            delta = self._kept_aside(delta)
        sid = next(iter(found.get("objectsid", ())), b"")
        if self.kind is not Kind.USER:
            return ActiveDirectoryEntry(guid, delta, sid)
        expires = windows_values.expires(found.get("accountexpires", ()))
        control = windows_values.number(found.get("useraccountcontrol", ()))
        if self._mapping.enabled is None and control is not None:
            expired = expires is not None and expires <= windows_values.filetime(self._now())
            is_enabled = not expired and not control & windows_values.ACCOUNT_DISABLED
            delta = replace(delta, attributes={**delta.attributes, ENABLED: ("true" if is_enabled else "false",)})
        if self._lockout is not None and LOCKED_OUT_AT in self._mapping.attributes:
            until = windows_values.ends_at(found.get("lockouttime", ()), self._lockout)
            delta = replace(delta, attributes={**delta.attributes, LOCKED_UNTIL: until})
        rid = windows_values.number(found.get("primarygroupid", ()))
        group = windows_values.primary_group(sid, rid) if sid and rid is not None else b""
        return ActiveDirectoryEntry(guid, delta, sid, group, expires)

    @staticmethod
    def _first(found: Mapping[str, Sequence[bytes]], sources: Sequence[str]) -> Sequence[bytes]:
        return next((found[source] for source in sources if found.get(source)), ())

    def _kept_aside(self, delta: Delta) -> Delta:
        """Return the delta without its name, and with the problem: two controllers had added the same name, and the other entry
        has it."""
        naming = NAMING_ATTRIBUTE[self.kind]
        problem = (
            f"source {self._source_id}: {delta.dn} is a replication conflict: another entry has its name; "
            "delete it at the domain, or rename it and correct its sAMAccountName"
        )
        unnamed = {name: values for name, values in delta.attributes.items() if name != naming}
        return replace(delta, attributes=unnamed, problem=problem)

    def to_delta(self, object_name: bytes, attributes: EntryAttributes) -> Delta | None:
        """See EntryMapper.to_delta."""
        return self.to_entry(object_name, attributes).delta

    def deleted(self, guid: str) -> Delta:
        return Delta(DeltaType.DELETE, self.kind, guid)

    def present(self, guid: str) -> Delta:
        return Delta(DeltaType.PRESENT, self.kind, guid)


def _is_conflict(dn: str, found: Mapping[str, Sequence[bytes]]) -> bool:
    """Return True for an entry that was renamed in a replication conflict ([MS-ADTS] §3.1.1.5.1.2), or whose login name was
    taken from it because another one has it."""
    return bool(_CONFLICT.match(dn)) or any(name.upper().startswith(b"$DUPLICATE-") for name in found.get("samaccountname", ()))


def link_references(values: Iterable[bytes]) -> tuple[Reference, ...]:
    """Return the references in a link's values, each once, in order."""
    return tuple(dict.fromkeys(found for value in values if (found := windows_values.link_reference(value)) is not None))
