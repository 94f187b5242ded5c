"""Encoded search result entries: written once, then sent, cut down and read without being decoded. Nothing is defined here.

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
from gateway.wire.entries.selection import Picker, Selection, Wanted, extend, select
from gateway.wire.entries.writer import encode_attribute, encode_entry

__all__ = [
    "Picker",
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
