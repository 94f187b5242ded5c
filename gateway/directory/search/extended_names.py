"""Extended names ([MS-ADTS] §3.1.1.3.4.1.5): DNs are sent as `<GUID=…>;<SID=…>;CN=…`, by programs' wish.

A name is extended with what the party may read of an entry that it sees; any other stays as it is."""

from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.search.visible_rows import VisibleRows
from gateway.model.ldap import dn, schema, windows_identifiers
from gateway.wire import entries

_DN_SYNTAX = "1.3.6.1.4.1.1466.115.121.1.12"
_GUID, _SID = "objectguid", "objectsid"
_MOST_KNOWN = 10_000
"""Names remembered within one search: the same groups and managers come again and again."""


class ExtendedNames:
    """The extension of names for one search. `as_text`: GUIDs and SIDs as text, else as hexadecimal octets."""

    def __init__(self, rows: VisibleRows, *, as_text: bool) -> None:
        self._rows = rows
        self._shown = frozenset(filter(rows.may_read, (_GUID, _SID)))
        self._as_text = as_text
        self._known: dict[bytes, bytes] = {}

    def extended(self, entry: bytes) -> bytes:
        """Return an encoded entry with its name, and its values that are DNs, extended."""
        parts = [
            entries.encode_attribute(description, list(map(self._name, entries.attribute_values(attribute))))
            if _has_names(description)
            else attribute
            for description, attribute in entries.iterate(entry)
        ]
        name = self._name(entries.object_name(entry))
        return entries.extend(entries.encode_entry(name, ()), b"".join(parts))

    def _name(self, name: bytes) -> bytes:
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[name] = b"".join(self._identifiers(name)) + name
        return known

    def _identifiers(self, name: bytes) -> list[bytes]:
        try:
            found = self._rows.named(dn.key(name.decode())) if _GUID in self._shown else None
        except (dn.InvalidDN, UnicodeDecodeError):
            return []
        if found is None:
            return []
        guids = [f"<GUID={self._guid(octets)}>;".encode() for octets in entries.values(found, b"objectguid")]
        sids = entries.values(found, b"objectsid") if _SID in self._shown else []
        return guids + [f"<SID={self._sid(octets)}>;".encode() for octets in sids]

    def _guid(self, octets: bytes) -> str:
        return windows_identifiers.guid_text(octets) if self._as_text else octets.hex()

    def _sid(self, octets: bytes) -> str:
        return windows_identifiers.sid_text(octets) if self._as_text else octets.hex()


def _has_names(description: bytes) -> bool:
    """Return whether the values of an attribute are DNs of entries; an objectCategory names none of these."""
    key = attribute_key(description.decode())
    known = schema.ATTRIBUTE_TYPES.get(key)
    return known is not None and known.syntax == _DN_SYNTAX and key != "objectcategory"
