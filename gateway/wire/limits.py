"""The limits of the codec against untrusted clients; every number is here, with its reason.

There is no limit on BER depth in general: the decoder follows the grammar of RFC 4511, in which only filters nest at will.
"""

from dataclasses import dataclass

_DEEPEST_FILTER = 200  # each level is one Python call when decoding, encoding and printing; the interpreter stops at 1,000


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one decoder. Sizes in octets, the others in pieces; an excess raises MessageTooLarge or LimitExceeded."""

    max_message_bytes: int = 10 * 1024 * 1024  # a group of 100,000 member DNs is 6 MB; slapd allows a bound client 4 MB
    max_filter_depth: int = 32  # the deepest that a common client was seen to send is 4 (SSSD)
    max_filter_terms: int = 500  # and/or/not, items and their substrings: a (|…) that looks up some hundred names at once
    max_filter_bytes: int = 128 * 1024  # of a filter with more than one term: as many member DNs of 250 octets as terms
    max_value_bytes: int = 16 * 1024  # of an asserted value; the longest that is asserted is a certificate
    max_name_bytes: int = 8 * 1024  # of a DN or bind name, as in slapd
    max_attributes: int = 1000  # in one search, add or modify request; SSSD, the most talkative client, asks for about 35
    max_controls: int = 32  # clients send up to three: paging, sorting, ManageDsaIT

    def __post_init__(self) -> None:
        if not 0 < self.max_filter_depth <= _DEEPEST_FILTER:
            raise ValueError(f"max_filter_depth must be 1 to {_DEEPEST_FILTER}, not {self.max_filter_depth}")


DEFAULT_LIMITS = Limits()
