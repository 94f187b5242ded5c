"""The search filter of RFC 4511 §4.5.1 as frozen values. Its BER is in ber.py, its text (RFC 4515) in text.py.

    Filter ::= CHOICE {
         and             [0] SET SIZE (1..MAX) OF filter Filter,
         or              [1] SET SIZE (1..MAX) OF filter Filter,
         not             [2] Filter,
         equalityMatch   [3] AttributeValueAssertion,
         substrings      [4] SubstringFilter,
         greaterOrEqual  [5] AttributeValueAssertion,
         lessOrEqual     [6] AttributeValueAssertion,
         present         [7] AttributeDescription,
         approxMatch     [8] AttributeValueAssertion,
         extensibleMatch [9] MatchingRuleAssertion,
         ...  }

Attribute descriptions are text as the peer spelled them, options included; assertion values are octets, unescaped.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class And:
    """All of `filters` match; none at all is the absolute true filter of RFC 4526."""

    filters: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of `filters` matches; none at all is the absolute false filter of RFC 4526."""

    filters: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """`filter` does not match (what is undefined stays undefined)."""

    filter: "Filter"


@dataclass(frozen=True, slots=True)
class Equality:
    """A value of `attribute` equals `value` by the attribute's equality rule."""

    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Substrings:
    """A value begins with `initial`, has `any` in this order, and ends with `final`; at least one of them is given."""

    attribute: str
    initial: bytes | None = None
    any: tuple[bytes, ...] = ()
    final: bytes | None = None

    def __post_init__(self) -> None:
        if self.initial is None and self.final is None and not self.any:
            raise ValueError("a substring filter needs at least one substring")


@dataclass(frozen=True, slots=True)
class GreaterOrEqual:
    """A value of `attribute` is not less than `value` by the attribute's ordering rule."""

    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class LessOrEqual:
    """A value of `attribute` is not greater than `value` by the attribute's ordering rule."""

    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Present:
    """`attribute` has a value."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Approx:
    """A value of `attribute` matches `value` approximately, by a rule of the server's."""

    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Extensible:
    """A value matches `value` by `matching_rule` (RFC 4511 §4.5.1.7.7).

    Without a rule: by the equality rule of `attribute`. Without an attribute: in any attribute that the rule applies to.
    With `dn_attributes`: also in the attributes of the entry's DN.

    MatchingRuleAssertion ::= SEQUENCE {
         matchingRule    [1] MatchingRuleId OPTIONAL,
         type            [2] AttributeDescription OPTIONAL,
         matchValue      [3] AssertionValue,
         dnAttributes    [4] BOOLEAN DEFAULT FALSE }
    """

    matching_rule: str | None
    attribute: str | None
    value: bytes
    dn_attributes: bool = False

    def __post_init__(self) -> None:
        if self.matching_rule is None and self.attribute is None:
            raise ValueError("an extensible match needs a matching rule, an attribute or both")


Filter = And | Or | Not | Equality | Substrings | GreaterOrEqual | LessOrEqual | Present | Approx | Extensible
