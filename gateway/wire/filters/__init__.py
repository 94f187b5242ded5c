"""Search filters: `values` (RFC 4511 §4.5.1), `ber` and `text` (RFC 4515). Nothing is defined here; the names are imported from
here.
"""

from gateway.wire.filters.ber import decode_filter, encode_filter
from gateway.wire.filters.text import FilterSyntaxError, parse, to_text
from gateway.wire.filters.values import (
    And,
    Approx,
    Equality,
    Extensible,
    Filter,
    GreaterOrEqual,
    LessOrEqual,
    Not,
    Or,
    Present,
    Substrings,
)

__all__ = [
    "And",
    "Approx",
    "Equality",
    "Extensible",
    "Filter",
    "FilterSyntaxError",
    "GreaterOrEqual",
    "LessOrEqual",
    "Not",
    "Or",
    "Present",
    "Substrings",
    "decode_filter",
    "encode_filter",
    "parse",
    "to_text",
]
