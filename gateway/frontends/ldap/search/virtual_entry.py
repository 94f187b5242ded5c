"""Entries in memory: of the root DSE, the subschema, and what a domain controller has beside its domain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.search.attribute_selection import select
from gateway.directory.search.filter_evaluator import Evaluator
from gateway.model.ldap.dn import DN
from gateway.wire.entries import encode_entry
from gateway.wire.messages import SearchRequest

Attributes = Sequence[tuple[str, Sequence[bytes]]]


@dataclass(frozen=True, slots=True)
class VirtualEntry:
    """An entry in memory: `user` attributes, and `operational` ones that are sent when asked for."""

    name: DN
    user: Attributes
    operational: Attributes = ()

    @property
    def values(self) -> Mapping[str, Sequence[bytes]]:
        """By attribute key, for filters and Compare."""
        return {attribute_key(name): values for name, values in (*self.user, *self.operational)}

    def answer(self, request: SearchRequest) -> bytes | None:
        """Return the SearchResultEntry for a search that has the entry in its scope, or None when the filter does not match."""
        if not Evaluator().matches(request.filter, self.values, self.name):
            return None
        selected = select(request.attributes, request.types_only)
        all_operational = "+" in request.attributes
        chosen = [(n, v) for n, v in self.user if selected.all_user or attribute_key(n) in selected.keys]
        chosen += [(n, v) for n, v in self.operational if all_operational or attribute_key(n) in selected.keys]
        return encode_entry(
            str(self.name).encode(), [(name.encode(), () if request.types_only else values) for name, values in chosen]
        )
