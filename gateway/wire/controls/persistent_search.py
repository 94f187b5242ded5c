"""The controls for changes without a cookie: the persistent search of draft-ietf-ldapext-psearch and Active Directory's
notification.

Changes come as search result entries for as long as the search is not abandoned; there is no search result done.
"""

from dataclasses import dataclass
from enum import IntFlag
from typing import ClassVar, Self

from gateway.wire import ber, oids
from gateway.wire.controls.search import required
from gateway.wire.errors import WireError


class ChangeTypes(IntFlag):
    """The types of a change (draft §4); a notification names one of them, a request any set."""

    ADD = 1
    DELETE = 2
    MODIFY = 4
    MOD_DN = 8


ALL_CHANGES = ChangeTypes.ADD | ChangeTypes.DELETE | ChangeTypes.MODIFY | ChangeTypes.MOD_DN


@dataclass(frozen=True, slots=True)
class PersistentSearch:
    """PersistentSearch ::= SEQUENCE { changeTypes INTEGER, changesOnly BOOLEAN, returnECs BOOLEAN }

    `changes_only`: present entries are not sent first; `return_changes`: each entry has an EntryChange.
    """

    oid: ClassVar[str] = oids.PERSISTENT_SEARCH
    change_types: ChangeTypes
    changes_only: bool
    return_changes: bool

    def encode(self) -> bytes:
        flags = ber.boolean(self.changes_only) + ber.boolean(self.return_changes)
        return ber.tlv(ber.SEQUENCE, ber.integer(self.change_types), flags)

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        pos, end = ber.whole(data, ber.SEQUENCE)
        types, pos = ber.take_integer(data, pos, end, ber.INTEGER, 1, int(ALL_CHANGES))
        changes_only, pos = ber.take_boolean(data, pos, end)
        return_changes, pos = ber.take_boolean(data, pos, end)
        ber.skip_unknown(data, pos, end)
        return cls(ChangeTypes(types), changes_only, return_changes)


@dataclass(frozen=True, slots=True)
class EntryChange:
    """EntryChangeNotification ::= SEQUENCE {
    changeType ENUMERATED { add (1), delete (2), modify (4), modDN (8) },
    previousDN LDAPDN OPTIONAL, changeNumber INTEGER OPTIONAL }

    `previous_dn` (encoded) comes with a changed DN only.
    """

    oid: ClassVar[str] = oids.ENTRY_CHANGE
    change_type: ChangeTypes
    previous_dn: bytes | None = None
    change_number: int | None = None

    def encode(self) -> bytes:
        previous = b"" if self.previous_dn is None else ber.octets(self.previous_dn)
        number = b"" if self.change_number is None else ber.integer(self.change_number)
        return ber.tlv(ber.SEQUENCE, ber.enumerated(self.change_type), previous, number)

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        pos, end = ber.whole(data, ber.SEQUENCE)
        change_type, pos = ber.take_integer(data, pos, end, ber.ENUMERATED, 1, int(ChangeTypes.MOD_DN))
        if change_type.bit_count() != 1:
            raise WireError("a changed entry has one change type", pos)
        previous, number = None, None
        if pos < end and data[pos] == ber.OCTET_STRING:
            previous, pos = ber.take_octets(data, pos, end)
        if pos < end and data[pos] == ber.INTEGER:
            number, pos = ber.take_integer(data, pos, end)
        ber.skip_unknown(data, pos, end)
        return cls(ChangeTypes(change_type), previous, number)


@dataclass(frozen=True, slots=True)
class ChangeNotification:
    """LDAP_SERVER_NOTIFICATION_OID (MS-ADTS §3.1.1.3.4.1.9): no value. The search answers with changed entries without end."""

    oid: ClassVar[str] = oids.CHANGE_NOTIFICATION

    def encode(self) -> None:
        return None

    @classmethod
    def decode(cls, _value: bytes | None) -> Self:
        return cls()
