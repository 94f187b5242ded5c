"""The Protocol of the objects that turn an LDAP entry of one kind into a Delta; each kind of source has its own."""

from typing import Protocol

from gateway.connectors.ldap.client.settings import KindSettings
from gateway.model.deltas import Delta
from gateway.model.mapping.inbound import EntryAttributes
from gateway.model.objects import Kind


class EntryMapper(Protocol):
    """The mapping of one kind of one source. Pure: every method may be called any number of times."""

    @property
    def settings(self) -> KindSettings:
        """The bases, the filter and the attribute mapping of the kind."""

    @property
    def kind(self) -> Kind:
        """The kind of the objects that the entries become."""

    @property
    def identified_attributes(self) -> tuple[str, ...]:
        """The attributes to request from the server, the identifying one among them."""

    def to_delta(self, object_name: bytes, attributes: EntryAttributes, /) -> Delta | None:
        """Return the entry as an upsert, or None when it is out of scope. `object_name`: the DN in UTF-8.

        Raises SourceRefused when the entry shows no identity: without one it would count as deleted.
        """
