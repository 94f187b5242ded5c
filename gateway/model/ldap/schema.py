"""The LDAP schema (RFC 4512 §4) as values: attribute types with their matching rules, and object classes.

Parsed once from schema_definitions.py; nothing here depends on a view or on a source."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.model.bounded_cache import cached
from gateway.model.ldap import schema_definitions

_TOKEN = re.compile(r"\(|\)|\$|'[^']*'|[^\s()$']+")


@dataclass(frozen=True, slots=True)
class AttributeType:
    """An attribute type with what it inherits already filled in. `key` is its first name in lower case."""

    oid: str
    names: tuple[str, ...]
    syntax: str
    equality: str | None
    ordering: str | None
    substring: str | None
    single_value: bool
    operational: bool
    superiors: tuple[str, ...]
    definition: str

    @property
    def name(self) -> str:
        """The name to show."""
        return self.names[0]

    @property
    def key(self) -> str:
        """The name to compare and store by."""
        return self.names[0].lower()


@dataclass(frozen=True, slots=True)
class ObjectClass:
    """An object class; `superiors` are all of them, nearest first."""

    oid: str
    names: tuple[str, ...]
    kind: str
    must: tuple[str, ...]
    may: tuple[str, ...]
    superiors: tuple[str, ...]
    definition: str


def _lines(definitions: str) -> list[str]:
    return [line.strip() for line in definitions.splitlines() if line.strip()]


def _parse(definition: str) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Parse "( OID KEYWORD value … )" into the OID and keyword → values (RFC 4512 §4.1)."""
    tokens = [token.strip("'") for token in _TOKEN.findall(definition)[1:-1]]
    oid, position = tokens[0], 1
    fields: dict[str, tuple[str, ...]] = {}
    flags = {"SINGLE-VALUE", "NO-USER-MODIFICATION", "ABSTRACT", "STRUCTURAL", "AUXILIARY", "COLLECTIVE", "OBSOLETE"}
    while position < len(tokens):
        keyword = tokens[position]
        position += 1
        if keyword in flags:
            fields[keyword] = ("",)
        elif tokens[position] == "(":
            end = tokens.index(")", position)
            fields[keyword] = tuple(name for name in tokens[position + 1 : end] if name != "$")
            position = end + 1
        else:
            fields[keyword] = (tokens[position],)
            position += 1
    return oid, fields


def _attribute_types() -> dict[str, AttributeType]:
    found: dict[str, AttributeType] = {}
    for definition in _lines(schema_definitions.ATTRIBUTE_TYPES):
        oid, fields = _parse(definition)
        superior = found[fields["SUP"][0].lower()] if "SUP" in fields else None
        inherited: Mapping[str, str | None] = {
            "SYNTAX": superior.syntax if superior else None,
            "EQUALITY": superior.equality if superior else None,
            "ORDERING": superior.ordering if superior else None,
            "SUBSTR": superior.substring if superior else None,
        }
        rule = {keyword: fields[keyword][0] if keyword in fields else value for keyword, value in inherited.items()}
        attribute = AttributeType(
            oid=oid,
            names=fields["NAME"],
            syntax=rule["SYNTAX"] or "",
            equality=rule["EQUALITY"],
            ordering=rule["ORDERING"],
            substring=rule["SUBSTR"],
            single_value="SINGLE-VALUE" in fields,
            operational="USAGE" in fields,
            superiors=(superior.key, *superior.superiors) if superior else (),
            definition=definition,
        )
        found.update({key.lower(): attribute for key in (oid, *attribute.names)})
    return found


def _object_classes() -> dict[str, ObjectClass]:
    found: dict[str, ObjectClass] = {}
    for definition in _lines(schema_definitions.OBJECT_CLASSES):
        oid, fields = _parse(definition)
        superior = found[fields["SUP"][0].lower()] if "SUP" in fields else None
        kind = next((k for k in ("ABSTRACT", "AUXILIARY") if k in fields), "STRUCTURAL")
        superiors = (superior.names[0], *superior.superiors) if superior else ()
        one = ObjectClass(oid, fields["NAME"], kind, fields.get("MUST", ()), fields.get("MAY", ()), superiors, definition)
        found.update({key.lower(): one for key in (oid, *one.names)})
    return found


ATTRIBUTE_TYPES: Mapping[str, AttributeType] = _attribute_types()
"""The definitions by lower-case name and by OID."""

OBJECT_CLASSES: Mapping[str, ObjectClass] = _object_classes()
"""The definitions by lower-case name and by OID."""

MATCHING_RULE_NAMES: Mapping[str, str] = {
    key.lower(): fields["NAME"][0]
    for oid, fields in map(_parse, _lines(schema_definitions.MATCHING_RULES))
    for key in (oid, fields["NAME"][0])
}
"""Lower-case name or OID → the rule's name."""


@cached(4_096)
def canonical(attribute_type: str) -> str:
    """Return an attribute type's key: known names and OIDs become the first name in lower case, others are lower-cased.

    The caller removes options (`;binary`, `;lang-en`).
    """
    known = ATTRIBUTE_TYPES.get(attribute_type.lower())
    return known.key if known else attribute_type.lower()


DN_SYNTAX: Final = "1.3.6.1.4.1.1466.115.121.1.12"


def holds_names(attribute_type: str) -> bool:
    """Return True when an attribute type's values are names of entries (RFC 4517 §3.3.9)."""
    known = ATTRIBUTE_TYPES.get(canonical(attribute_type))
    return known is not None and known.syntax == DN_SYNTAX


def is_operational(key: str) -> bool:
    """Return True when values are sent only when the type is requested by name or `+` (RFC 4512 §3.4)."""
    known = ATTRIBUTE_TYPES.get(key)
    return known is not None and known.operational


def is_single_valued(key: str) -> bool:
    """Return True when an entry has at most one value of the type (RFC 4512 §2.5.1)."""
    known = ATTRIBUTE_TYPES.get(key)
    return known is not None and known.single_value


@cached(1_024)
def allowed_by(object_class: str) -> frozenset[str]:
    """Return the keys of the attributes that a class itself requires or allows, without its superiors'; none for an unknown
    one."""
    known = OBJECT_CLASSES.get(object_class.lower())
    return frozenset(canonical(attribute) for attribute in (*known.must, *known.may)) if known else frozenset()


@cached(1_024)
def subtypes(key: str) -> tuple[str, ...]:
    """Return the keys of a type and of all types derived from it (RFC 4512 §2.5.1): `name` → name, cn, sn, …"""
    derived = {attribute.key for attribute in ATTRIBUTE_TYPES.values() if key in attribute.superiors}
    return (key, *sorted(derived))


def definitions(kind: str) -> list[str]:
    """Return the values of `cn=Subschema` for attributeTypes, objectClasses, ldapSyntaxes or matchingRules."""
    return _lines(
        {
            "attributeTypes": schema_definitions.ATTRIBUTE_TYPES,
            "objectClasses": schema_definitions.OBJECT_CLASSES,
            "ldapSyntaxes": schema_definitions.SYNTAXES,
            "matchingRules": schema_definitions.MATCHING_RULES,
        }[kind]
    )
