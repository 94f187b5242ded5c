"""A search in our words, and the error of one whose base is not there. Values only."""

from dataclasses import dataclass
from typing import Literal

from gateway.directory.search.sort_keys import Order
from gateway.model.ldap import dn
from gateway.model.ldap.dn import DN
from gateway.wire.filters import Filter
from gateway.wire.messages import BASE_OBJECT, SINGLE_LEVEL, WHOLE_SUBTREE

SUBORDINATE_SUBTREE = 3
"""SearchRequest.scope beside those of RFC 4511 §4.5.1.2 (draft-sermersheim-ldap-subordinate-scope)."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search below `base` (with its key), which is known to be inside the view. `order`: as `sort_keys.order` gives it;
    empty: as it comes. `matched_values`: only values that match one of these are sent (RFC 3876); empty: all.
    `extended_names`: the form of the GUIDs with which DNs are sent ([MS-ADTS] §3.1.1.3.4.1.5); "": without."""

    base: DN
    base_key: str
    scope: int
    filter: Filter
    attributes: tuple[str, ...] = ()
    types_only: bool = False
    order: Order = ()
    matched_values: tuple[Filter, ...] = ()
    extended_names: Literal["", "hexadecimal", "text"] = ""

    def covers(self, dn_key: str) -> bool:
        """Return whether an entry with this DN is in the scope of the search."""
        if self.scope == BASE_OBJECT:
            return dn_key == self.base_key
        if self.scope == SINGLE_LEVEL:
            return dn_key != self.base_key and dn.parent_key(dn_key) == self.base_key
        return dn_key.startswith(self.base_key) and (self.scope == WHOLE_SUBTREE or dn_key != self.base_key)


class NoSuchObject(Exception):
    """The base does not exist, or is not visible. `matched_dn`: the lowest visible entry above it."""

    def __init__(self, matched_dn: str) -> None:
        super().__init__(matched_dn)
        self.matched_dn = matched_dn
