"""Values as Active Directory writes them: GUIDs, security identifiers, times, extended DNs, account flags. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from gateway.model.ldap import dn as names
from gateway.model.ldap import times
from gateway.model.ldap.times import NEVER as NEVER
from gateway.model.ldap.times import TICKS_A_SECOND as TICKS_A_SECOND
from gateway.model.ldap.times import filetime as filetime
from gateway.model.records import Reference, ReferenceForm

ACCOUNT_DISABLED: Final = 0x2  # userAccountControl, ADS_UF_ACCOUNT_DISABLE ([MS-ADTS] §2.2.16)

_EXTENSIONS = re.compile(r"(?:<(?:GUID|SID)=[^>]*>;)*", re.IGNORECASE)
_GUID_PREFIX = b"<GUID="
_RID_OCTETS = 4


def guid_text(octets: bytes) -> str:
    """Return an objectGUID in the canonical form: its first three fields are little-endian ([MS-DTYP] §2.3.4.2)."""
    digits = (octets[3::-1] + octets[5:3:-1] + octets[7:5:-1] + octets[8:]).hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def guid_octets(text: str) -> bytes:
    """Return the octets of a GUID in the canonical form."""
    octets = bytes.fromhex(text.replace("-", ""))
    return octets[3::-1] + octets[5:3:-1] + octets[7:5:-1] + octets[8:]


def plain_dn(text: str) -> str:
    """Return a DN without the `<GUID=…>;<SID=…>;` that the extended DN control puts before it."""
    matched = _EXTENSIONS.match(text)
    return text[matched.end() :] if matched else text


def link_reference(value: bytes) -> Reference | None:
    """Return the reference in a link's value: by GUID where the value has one, else by DN; None when it has neither."""
    if value.startswith(_GUID_PREFIX):
        return Reference(ReferenceForm.ID, value[6:42].decode("ascii", "replace").lower())
    try:
        return Reference(ReferenceForm.DN, names.key(value.decode(errors="replace")))
    except names.InvalidDN:
        return None


def number(values: Sequence[bytes]) -> int | None:
    """Return the first value as a number; None when there is no value, or it is not a number."""
    try:
        return int(values[0]) if values else None
    except ValueError:
        return None


def expires(values: Sequence[bytes]) -> int | None:
    """Return the moment in accountExpires in ticks; None for never: 0 and the largest number both mean it ([MS-ADA1] §2.2)."""
    ticks = number(values)
    return None if ticks is None or ticks <= 0 or ticks >= NEVER else ticks


def time_text(values: Sequence[bytes]) -> list[bytes]:
    """Return a FILETIME as Generalized Time; no value for 0 and for the largest number, which both mean never."""
    ticks = expires(values)
    text = None if ticks is None else times.text_of(ticks)
    return [] if text is None else [text.encode()]


def ends_at(values: Sequence[bytes], ticks: int) -> tuple[str, ...]:
    """Return the moment so many ticks after a FILETIME as Generalized Time; no value when there is none, or no end (0)."""
    began = expires(values)
    text = None if began is None or not ticks else times.text_of(began + ticks)
    return () if text is None else (text,)


def primary_group(sid: bytes, rid: int) -> bytes:
    """Return the security identifier of a primary group from an account's `sid` and the group's number in the same domain."""
    return sid[:-_RID_OCTETS] + rid.to_bytes(_RID_OCTETS, "little")


def relative_id(sid: bytes) -> int:
    """Return the last sub-authority of a security identifier."""
    return int.from_bytes(sid[-_RID_OCTETS:], "little")
