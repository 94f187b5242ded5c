"""Search result entries that stay encoded: written once, then sent, reduced and read without being decoded.

`writer` and `reader`, then `selection`. Nothing is defined here; the names are imported from here.

An `entry` is the whole SearchResultEntry, [APPLICATION 4] included, as gateway.wire.codec.encoder.wrap takes it. Attribute
descriptions are octets as spelled, and are compared in lower case.

SearchResultEntry ::= [APPLICATION 4] SEQUENCE { objectName LDAPDN, attributes SEQUENCE OF PartialAttribute }
PartialAttribute ::= SEQUENCE { type AttributeDescription, vals SET OF value AttributeValue }
"""

from gateway.wire.entries.reader import (
    attribute_values,
    attributes,
    decode_entry,
    decode_search_entry,
    iterate,
    object_name,
    values,
)
from gateway.wire.entries.selection import ExactSelection, Selection, Wanted, extend, select
from gateway.wire.entries.writer import encode_attribute, encode_entry

__all__ = [
    "ExactSelection",
    "Selection",
    "Wanted",
    "attribute_values",
    "attributes",
    "decode_entry",
    "decode_search_entry",
    "encode_attribute",
    "encode_entry",
    "extend",
    "iterate",
    "object_name",
    "select",
    "values",
]
