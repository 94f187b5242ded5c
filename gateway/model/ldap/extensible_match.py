"""Extensible matches beyond the keys of matching_rules.py: the attribute types that a rule applies to (RFC 4511 §4.5.1.7.7: any
other is Undefined), and the rules that are no comparisons (MS-ADTS §3.1.1.3.4.4)."""

import re
from collections.abc import Callable, Mapping

from gateway.model.ldap import matching_rules, schema

IN_CHAIN = "inChainMatch"
"""The rule that is true when a link leads to the asserted DN, directly or through groups."""

LINKS = frozenset({"member", "uniquemember", "memberof"})
"""The attribute types (keys) whose links make chains."""

BIT_RULES: Mapping[str, Callable[[int, int], bool]] = {
    "integerBitAndMatch": lambda value, mask: value & mask == mask,
    "integerBitOrMatch": lambda value, mask: value & mask != 0,
}
"""Rule name → predicate on the bits of a value and the asserted bits, as `bits` returns them."""

_WIDTH = 64


def bits(value: bytes) -> int | None:
    """Return the bits of an integer, negative ones in two's complement of 64 bits (as AD writes groupType); None when it is no
    integer or needs more bits."""
    if matching_rules.KEYS["integerMatch"](value) is None or not -(1 << _WIDTH - 1) <= int(value) < 1 << _WIDTH:
        return None
    return int(value) & (1 << _WIDTH) - 1


def is_rule(rule: str) -> bool:
    """Return True when the rule with this name is implemented."""
    return rule in matching_rules.KEYS or rule in BIT_RULES or rule == IN_CHAIN


def fits(rule: str, attribute: str) -> bool:
    """Return True when a rule applies to the attribute type with this key: both are of the same family of syntaxes."""
    known = schema.ATTRIBUTE_TYPES.get(attribute)
    if known is None or known.equality is None:
        return False
    if rule == IN_CHAIN:
        return attribute in LINKS
    return rule in _FAMILIES and _FAMILIES[rule] == _FAMILIES.get(known.equality)


def is_own(rule: str, attribute: str) -> bool:
    """Return True when an assertion of the rule without an attribute includes this type: it is the type's own rule, or the only
    rule of its kind."""
    known = schema.ATTRIBUTE_TYPES.get(attribute)
    if known is not None and rule in (known.equality, known.ordering):
        return True
    return (rule in BIT_RULES or rule == IN_CHAIN) and fits(rule, attribute)


def rule_uses() -> list[str]:
    """Return the matchingRuleUse values of `cn=Subschema` (RFC 4512 §4.1.4): the attribute types that each rule applies to."""
    names = sorted({known.name for known in schema.ATTRIBUTE_TYPES.values()}, key=str.lower)
    found = []
    for definition in schema.definitions("matchingRules"):
        oid, rule = _RULE.match(definition).groups()  # type: ignore[union-attr]
        applies = [name for name in names if fits(rule, name.lower())]
        if applies:
            found.append(f"( {oid} NAME '{rule}' APPLIES ( {' $ '.join(applies)} ) )")
    return found


_RULE = re.compile(r"\( (\S+) NAME '([^']+)'")

_FAMILIES: Mapping[str, str] = {
    rule: family
    for family, rules in {
        "text": (
            *("caseIgnoreMatch", "caseIgnoreOrderingMatch", "caseExactMatch", "caseExactOrderingMatch", "caseIgnoreIA5Match"),
            *("caseExactIA5Match", "caseIgnoreListMatch", "numericStringMatch", "telephoneNumberMatch"),
        ),
        "integer": ("integerMatch", "integerOrderingMatch", *BIT_RULES),
        "name": ("distinguishedNameMatch", "uniqueMemberMatch"),
        "octets": ("octetStringMatch", "octetStringOrderingMatch", "objectGuidMatch", "objectSidMatch"),
        "bits": ("bitStringMatch",),
        "time": ("generalizedTimeMatch", "generalizedTimeOrderingMatch"),
        "UUID": ("uuidMatch", "uuidOrderingMatch"),
        "boolean": ("booleanMatch",),
        "object identifier": ("objectIdentifierMatch",),
    }.items()
    for rule in rules
}
"""Rule name → the family of its syntaxes."""
