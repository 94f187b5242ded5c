"""The mapping from an entry of OpenLDAP to a Delta: identity, scope and mapping. Pure."""

from gateway.connectors.ldap.client.settings import ENTRY_UUID, KindSettings
from gateway.connectors.ldap.openldap.settings import OpenLDAPSettings
from gateway.model.deltas import Delta, DeltaType
from gateway.model.errors import SourceRefused
from gateway.model.mapping.inbound import EntryAttributes, map_entry
from gateway.model.objects import Kind


class OpenLDAPEntryMapper:
    """The EntryMapper of one kind (client/entry_mapper.py). `attributes`: those to request when a control names the
    identity."""

    def __init__(self, source: OpenLDAPSettings, settings: KindSettings) -> None:
        self.settings = settings
        self.kind: Kind = settings.kind
        self.attributes = settings.mapping.source_attributes or ("1.1",)
        self._source_id = source.id
        self._id_attribute = source.id_attribute_of(settings.kind).lower()

    @property
    def identified_attributes(self) -> tuple[str, ...]:
        """The attributes to request when no control names the identity: `attributes` and the identifying one."""
        plain = tuple(name for name in self.attributes if name.lower() != self._id_attribute and name != "1.1")
        return (*plain, ENTRY_UUID if self._id_attribute == ENTRY_UUID.lower() else self._id_attribute)

    def upsert(self, object_name: bytes, attributes: EntryAttributes, external_id: str) -> Delta | None:
        """Map an entry whose identity is known; None when it is out of scope."""
        dn = object_name.decode(errors="replace")  # RFC 4514 makes it UTF-8, and servers check that
        if not self.settings.contains(dn):
            return None
        return map_entry(self.settings.mapping, self._source_id, external_id, dn, attributes)

    def to_delta(self, object_name: bytes, attributes: EntryAttributes) -> Delta | None:
        """See EntryMapper.to_delta."""
        for description, values in attributes:
            if values and description.lower() == self._id_attribute:
                return self.upsert(object_name, attributes, values[0].decode(errors="replace").lower())
        name = object_name.decode(errors="replace")
        raise SourceRefused(
            f"source {self._source_id}: {name} shows no {self._id_attribute}: give bind_dn the right to read it, "
            f"or set id_attribute, in [source.{self.kind}s] for {self.kind}s alone, to an attribute that they have and that "
            "never changes"
        )

    def deleted(self, external_id: str) -> Delta:
        return Delta(DeltaType.DELETE, self.kind, external_id)

    def present(self, external_id: str) -> Delta:
        return Delta(DeltaType.PRESENT, self.kind, external_id)


def uuid_text(octets: bytes) -> str:
    """Return an entryUUID's sixteen octets in the form of RFC 4530, as the attribute has it."""
    digits = octets.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
