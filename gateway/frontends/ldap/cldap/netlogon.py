"""The answer to a ping, NETLOGON_SAM_LOGON_RESPONSE_EX ([MS-ADTS] §6.3.1.9). Pure."""

import struct
from dataclasses import dataclass
from typing import Final
from uuid import UUID

LOGON_SAM_LOGON_RESPONSE_EX: Final = 23
"""Opcode (§6.3.1.3): the domain is here."""

DS_LDAP, DS_DS, DS_CLOSEST, DS_WRITABLE = 0x8, 0x10, 0x80, 0x100
FLAGS: Final = DS_LDAP | DS_DS | DS_CLOSEST | DS_WRITABLE
"""The roles of this machine in the domain (§6.3.1.2): it answers over LDAP, in the client's site. It has no Kerberos, no global
catalog, no clock."""

NT_VERSION_1, NT_VERSION_5, NT_VERSION_5EX, NT_VERSION_5EX_WITH_IP = 0x1, 0x2, 0x4, 0x8
"""Bits of NtVer (§6.3.1.1)."""

_TOKENS: Final = b"\xff\xff\xff\xff"  # LmNtToken and Lm20Token
_MAX_LABEL_OCTETS: Final = 63


@dataclass(frozen=True, slots=True)
class DomainNames:
    """The names of a domain and of this machine in it."""

    guid: UUID
    domain: str
    host_name: str
    netbios_domain: str
    netbios_host: str
    site: str


def encode(names: DomainNames) -> bytes:
    """Return the octets of the answer, names compressed."""
    head = struct.pack("<HHI", LOGON_SAM_LOGON_RESPONSE_EX, 0, FLAGS) + names.guid.bytes_le
    message = _Compressed(head)
    for name in (names.domain, names.domain, names.host_name):
        message.add(name.split("."))
    for label in (names.netbios_domain, names.netbios_host, "", names.site, names.site):
        message.add([label] if label else [])
    return message.octets + struct.pack("<I", NT_VERSION_1 | NT_VERSION_5EX) + _TOKENS


class _Compressed:
    """Octets with names in the form of RFC 1035 §4.1.4: an end of a name that was written before is pointed to."""

    def __init__(self, head: bytes) -> None:
        self.octets = head
        self._known: dict[tuple[str, ...], int] = {}

    def add(self, labels: list[str]) -> None:
        """Append a name; none: the empty one."""
        rest = tuple(label for label in labels if label)
        while rest:
            place = self._known.get(rest)
            if place is not None:
                self.octets += struct.pack(">H", 0xC000 | place)
                return
            self._known[rest] = len(self.octets)
            label = rest[0].encode()[:_MAX_LABEL_OCTETS]
            self.octets += bytes((len(label),)) + label
            rest = rest[1:]
        self.octets += b"\x00"
