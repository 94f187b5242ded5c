"""The entry: the LDAP projection of an object as it is stored and sent. A value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gateway.wire.entries import encode_attribute, encode_entry

EntryAttributes: TypeAlias = Sequence[tuple[str, Sequence[bytes]]]
"""(attribute description, values), in the order in which they are sent."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The LDAP projection of an object. `kind`: a Kind's value, or one of entry_kinds.py. `attributes`: the user attributes;
    `operational_values`: the stored operational ones."""

    object_id: str
    kind: str
    dn: str
    dn_key: str
    attributes: EntryAttributes
    operational_values: EntryAttributes

    @property
    def encoded(self) -> bytes:
        """The SearchResultEntry with all user attributes."""
        return encode_entry(self.dn.encode(), [(name.encode(), values) for name, values in self.attributes])

    @property
    def operational(self) -> bytes:
        """The stored operational attributes, as PartialAttributes one after the other; hasSubordinates and memberOf are
        computed on request."""
        return b"".join([encode_attribute(name.encode(), values) for name, values in self.operational_values])
