"""Identifiers as Windows writes them: GUIDs, security identifiers, the classes that objectCategory points to. Pure."""

import re
import struct
from collections.abc import Mapping
from uuid import UUID

_GUID_OCTETS = 16
_SID_HEAD_OCTETS = 8
_SID = re.compile(r"S-1-([0-9]{1,15})((?:-[0-9]{1,10}){1,15})", re.IGNORECASE)


def guid(value: str | bytes) -> bytes | None:
    """Return the octets of a GUID ([MS-DTYP] §2.3.4.2): the first three fields little-endian. Octets are returned as they
    are; None for a value that is no GUID."""
    if isinstance(value, bytes):
        return value if len(value) == _GUID_OCTETS else None
    try:
        return UUID(value).bytes_le
    except ValueError:
        return None


def guid_text(guid_octets: bytes) -> str:
    """Return a GUID as it is written: the first three fields in big-endian order."""
    return str(UUID(bytes_le=guid_octets))


def sid(value: str | bytes) -> bytes | None:
    """Return the octets of a security identifier ([MS-DTYP] §2.4.2.2) of "S-1-5-21-…": revision, count, authority big-endian,
    sub-authorities little-endian. Octets are returned as they are; None for a value that is no identifier."""
    if isinstance(value, bytes):
        return value or None
    matched = _SID.fullmatch(value)
    if not matched:
        return None
    authority, parts = int(matched[1]), [int(part) for part in matched[2].split("-")[1:]]
    if authority >= 1 << 48 or any(part >= 1 << 32 for part in parts):
        return None
    return bytes((1, len(parts))) + authority.to_bytes(6, "big") + struct.pack(f"<{len(parts)}I", *parts)


def sid_text(sid_octets: bytes) -> str:
    """Return a security identifier as it is written, "S-1-5-21-…"."""
    parts = (int.from_bytes(sid_octets[at : at + 4], "little") for at in range(_SID_HEAD_OCTETS, len(sid_octets), 4))
    return "-".join(map(str, ("S", sid_octets[0], int.from_bytes(sid_octets[2:_SID_HEAD_OCTETS], "big"), *parts)))


def relative_id(value: str | bytes) -> int | None:
    """Return the last sub-authority of a security identifier, as text or octets; None for a value that has none."""
    octets = sid(value)
    if octets is None or len(octets) < _SID_HEAD_OCTETS + 4 or len(octets) != _SID_HEAD_OCTETS + 4 * octets[1]:
        return None
    return int.from_bytes(octets[-4:], "little")


def sibling(sid_octets: bytes, number: int) -> bytes:
    """Return the security identifier of another account or group of the same domain."""
    return sid_octets[:-4] + (number & 0xFFFFFFFF).to_bytes(4, "little")


CATEGORY_OF_CLASS: Mapping[str, str] = {
    "user": "person",
    "inetorgperson": "person",
    "organizationalperson": "person",
    "contact": "person",
    "organizationalunit": "organizational-unit",
    "domain": "domain-dns",
    "domaindns": "domain-dns",
}
"""lDAPDisplayName of a class → the name of its default object category, where that differs ([MS-ADTS] §3.1.1.3.1.3.5: in
a filter an objectCategory may be a class's name instead of a DN)."""
