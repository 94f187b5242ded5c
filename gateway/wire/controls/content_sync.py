"""Content synchronization, RFC 4533: the controls on the request, on each entry and on the end, and the messages between.

A cookie is meaningful only to the server that issued it; no cookie is not the same as an empty one.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import ClassVar, Self

from gateway.wire import ber, oids
from gateway.wire.controls.search import required
from gateway.wire.errors import WireError

_UUID_OCTETS = 16
_NEW_COOKIE, _REFRESH_DELETE, _REFRESH_PRESENT, _SYNC_ID_SET = 0x80, 0xA1, 0xA2, 0xA3


class SyncMode(IntEnum):
    """The mode of a consumer: the changes until now, or those and then every further one."""

    REFRESH_ONLY = 1
    REFRESH_AND_PERSIST = 3


class EntryState(IntEnum):
    """The state of an entry in a message; a present or deleted entry has no attributes."""

    PRESENT = 0
    ADD = 1
    MODIFY = 2
    DELETE = 3


def _cookie(cookie: bytes | None) -> bytes:
    return b"" if cookie is None else ber.octets(cookie)


def _take_cookie(data: bytes, pos: int, end: int) -> tuple[bytes | None, int]:
    if pos < end and data[pos] == ber.OCTET_STRING:
        return ber.take_octets(data, pos, end)
    return None, pos


def _take_flag(data: bytes, pos: int, end: int, default: bool) -> bool:
    """The last component of most values here: a BOOLEAN with a default."""
    if pos < end and data[pos] == ber.BOOLEAN:
        default, pos = ber.take_boolean(data, pos, end)
    ber.skip_unknown(data, pos, end)
    return default


def _take_uuid(data: bytes, pos: int, end: int) -> tuple[bytes, int]:
    uuid, pos = ber.take_octets(data, pos, end)
    if len(uuid) != _UUID_OCTETS:
        raise WireError("an entryUUID must have 16 octets", pos)
    return uuid, pos


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """syncRequestValue ::= SEQUENCE {
    mode ENUMERATED { refreshOnly (1), refreshAndPersist (3) }, cookie OCTET STRING OPTIONAL, reloadHint BOOLEAN DEFAULT FALSE }
    """

    oid: ClassVar[str] = oids.SYNC_REQUEST
    mode: SyncMode
    cookie: bytes | None = field(default=None, repr=False)
    reload_hint: bool = False

    def encode(self) -> bytes:
        hint = ber.boolean(True) if self.reload_hint else b""
        return ber.tlv(ber.SEQUENCE, ber.enumerated(self.mode), _cookie(self.cookie), hint)

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        pos, end = ber.whole(data, ber.SEQUENCE)
        mode, pos = ber.take_integer(data, pos, end, ber.ENUMERATED)
        if mode not in (SyncMode.REFRESH_ONLY, SyncMode.REFRESH_AND_PERSIST):
            raise WireError("the mode of a sync request must be 1 or 3", pos)
        cookie, pos = _take_cookie(data, pos, end)
        return cls(SyncMode(mode), cookie, _take_flag(data, pos, end, False))


@dataclass(frozen=True, slots=True)
class SyncState:
    """syncStateValue ::= SEQUENCE {
    state ENUMERATED { present (0), add (1), modify (2), delete (3) }, entryUUID syncUUID, cookie OCTET STRING OPTIONAL }
    """

    oid: ClassVar[str] = oids.SYNC_STATE
    state: EntryState
    entry_uuid: bytes
    cookie: bytes | None = field(default=None, repr=False)

    def encode(self) -> bytes:
        return ber.tlv(ber.SEQUENCE, ber.enumerated(self.state), ber.octets(self.entry_uuid), _cookie(self.cookie))

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        pos, end = ber.whole(data, ber.SEQUENCE)
        state, pos = ber.take_integer(data, pos, end, ber.ENUMERATED, 0, 3)
        entry_uuid, pos = _take_uuid(data, pos, end)
        cookie, pos = _take_cookie(data, pos, end)
        ber.skip_unknown(data, pos, end)
        return cls(EntryState(state), entry_uuid, cookie)


@dataclass(frozen=True, slots=True)
class SyncDone:
    """syncDoneValue ::= SEQUENCE { cookie OCTET STRING OPTIONAL, refreshDeletes BOOLEAN DEFAULT FALSE }

    `refresh_deletes` false: entries that were not reported are deleted; true: all deleted entries were reported.
    """

    oid: ClassVar[str] = oids.SYNC_DONE
    cookie: bytes | None = field(default=None, repr=False)
    refresh_deletes: bool = False

    def encode(self) -> bytes:
        return ber.tlv(ber.SEQUENCE, _cookie(self.cookie), ber.boolean(True) if self.refresh_deletes else b"")

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        data = required(value)
        pos, end = ber.whole(data, ber.SEQUENCE)
        cookie, pos = _take_cookie(data, pos, end)
        return cls(cookie, _take_flag(data, pos, end, False))


# syncInfoValue ::= CHOICE {
#      newcookie      [0] syncCookie,
#      refreshDelete  [1] SEQUENCE { cookie syncCookie OPTIONAL, refreshDone BOOLEAN DEFAULT TRUE },
#      refreshPresent [2] SEQUENCE { cookie syncCookie OPTIONAL, refreshDone BOOLEAN DEFAULT TRUE },
#      syncIdSet      [3] SEQUENCE {
#           cookie         syncCookie OPTIONAL,
#           refreshDeletes BOOLEAN DEFAULT FALSE,
#           syncUUIDs      SET OF syncUUID } }


@dataclass(frozen=True, slots=True)
class NewCookie:
    """A newer cookie, and nothing else."""

    cookie: bytes = field(repr=False)

    def encode(self) -> bytes:
        return ber.octets(self.cookie, _NEW_COOKIE)


@dataclass(frozen=True, slots=True)
class RefreshDelete:
    """The end of a delete phase; `refresh_done`: of the refresh, too."""

    cookie: bytes | None = field(default=None, repr=False)
    refresh_done: bool = True

    def encode(self) -> bytes:
        return ber.tlv(_REFRESH_DELETE, _cookie(self.cookie), b"" if self.refresh_done else ber.boolean(False))


@dataclass(frozen=True, slots=True)
class RefreshPresent:
    """The end of a present phase: entries that were not reported are deleted; `refresh_done`: of the refresh, too."""

    cookie: bytes | None = field(default=None, repr=False)
    refresh_done: bool = True

    def encode(self) -> bytes:
        return ber.tlv(_REFRESH_PRESENT, _cookie(self.cookie), b"" if self.refresh_done else ber.boolean(False))


@dataclass(frozen=True, slots=True)
class SyncIdSet:
    """Many entries at once, by entryUUID: deleted ones if `refresh_deletes`, else present ones."""

    cookie: bytes | None = field(default=None, repr=False)
    refresh_deletes: bool = False
    entry_uuids: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        deletes = ber.boolean(True) if self.refresh_deletes else b""
        return ber.tlv(_SYNC_ID_SET, _cookie(self.cookie), deletes, ber.tlv(ber.SET, *map(ber.octets, self.entry_uuids)))


SyncInfo = NewCookie | RefreshDelete | RefreshPresent | SyncIdSet


def decode_sync_info(value: bytes | None) -> SyncInfo:
    """The value of an IntermediateResponse named oids.SYNC_INFO. Raises WireError."""
    data = required(value)
    tag, pos, end = ber.read_header(data, 0, len(data))
    ber.whole(data, tag)
    if tag == _NEW_COOKIE:
        return NewCookie(data[pos:end])
    cookie, pos = _take_cookie(data, pos, end)
    if tag == _REFRESH_DELETE:
        return RefreshDelete(cookie, _take_flag(data, pos, end, True))
    if tag == _REFRESH_PRESENT:
        return RefreshPresent(cookie, _take_flag(data, pos, end, True))
    if tag == _SYNC_ID_SET:
        return _read_id_set(data, pos, end, cookie)
    raise WireError(f"no sync info message has the tag 0x{tag:02x}", 0)


def _read_id_set(data: bytes, pos: int, end: int, cookie: bytes | None) -> SyncIdSet:
    refresh_deletes = False
    if pos < end and data[pos] == ber.BOOLEAN:
        refresh_deletes, pos = ber.take_boolean(data, pos, end)
    pos, stop = ber.expect(data, pos, end, ber.SET)
    ber.skip_unknown(data, stop, end)
    entry_uuids = []
    while pos < stop:
        uuid, pos = _take_uuid(data, pos, stop)
        entry_uuids.append(uuid)
    return SyncIdSet(cookie, refresh_deletes, tuple(entry_uuids))
