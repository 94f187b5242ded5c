"""Names of entries that are no DNs: `<GUID=…>`, `<SID=…>`, `<WKGUID=…,DN>` ([MS-ADTS] §3.1.1.3.1.2.4). Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from gateway.model.ldap import windows_identifiers

_NAME: Final = re.compile(r"<\s*(GUID|SID)\s*=\s*([^>,]{1,200})\s*>", re.IGNORECASE)
_WELL_KNOWN: Final = re.compile(r"<\s*WKGUID\s*=\s*([0-9a-f]{32})\s*,\s*([^>]+)>", re.IGNORECASE)
_HEXADECIMAL: Final = re.compile(r"(?:[0-9a-f]{2}){8,80}", re.IGNORECASE)
_GUID_OCTETS: Final = 16

WELL_KNOWN: Final[Mapping[str, Literal["users", "deleted objects"]]] = {
    "a9d1ca15768811d1aded00c04fd8d5cd": "users",
    "18e2ea80684f11d2b9aa00c04f79f805": "deleted objects",
}
"""The well-known GUIDs ([MS-ADTS] §6.1.1.4) of the containers that a view has."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """An entry named by the value of an attribute (key) that identifies it."""

    attribute: Literal["objectguid", "objectsid"]
    value: bytes


@dataclass(frozen=True, slots=True)
class WellKnown:
    """A container named by its purpose, below a DN."""

    purpose: Literal["users", "deleted objects"]
    base: str


def is_alternative(text: str) -> bool:
    """Return whether a name is none of RFC 4514, so that it may be one of these."""
    return text.startswith("<")


def parse(text: str) -> Identifier | WellKnown | None:
    """Return what the name stands for; None for text that is no such name, or names nothing that can be here."""
    text = text.strip()
    known = _WELL_KNOWN.fullmatch(text)
    if known is not None:
        purpose = WELL_KNOWN.get(known[1].lower())
        return None if purpose is None else WellKnown(purpose, known[2])
    named = _NAME.fullmatch(text)
    if named is None:
        return None
    octets = bytes.fromhex(named[2]) if _HEXADECIMAL.fullmatch(named[2].strip()) else None
    if named[1].upper() == "GUID":
        value = octets if octets is not None and len(octets) == _GUID_OCTETS else windows_identifiers.guid(named[2].strip())
        return None if value is None else Identifier("objectguid", value)
    value = octets if octets is not None else windows_identifiers.sid(named[2].strip())
    return None if value is None else Identifier("objectsid", value)
