"""The entry plan: the rules of one kind of entries, prepared once, so that each object costs no more than its values. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.directory.projection.attribute_rules import Rule
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.projection.view_definition import EntryRules, refers
from gateway.model.attributes import reference_to
from gateway.model.ldap import matching_rules, schema
from gateway.model.objects import Attributes, DirectoryObject, User

Values = list[tuple[str, Sequence[bytes]]]


class EntryPlan:
    """The attributes and classes of one kind of entries. `members`: the attributes by which groups show their members."""

    def __init__(self, rules: EntryRules, members: Sequence[str]) -> None:
        self.rules = rules
        self._attributes = _ordered(rules)
        self._reference_types = {name for name, rule, _ in self._attributes if refers(name, rule)}
        self._naming = next((rule for name, rule, _ in self._attributes if _is_same(name, rules.naming)), Rule())
        self._conditional = _conditional_attributes(rules, members)

    def name(self, item: DirectoryObject, named: Attributes) -> str:
        """Return the value of an object's RDN: the first of its naming attribute, else what the object is called."""
        values = self._naming.values(item.attributes, named)
        try:
            return values[0].decode() or _own_name(item)
        except (IndexError, UnicodeDecodeError):
            return _own_name(item)

    def targets(self, attributes: Attributes) -> set[str]:
        """Return the objects (ids) that an entry with these attributes may name."""
        rules = [rule for name, rule, _ in self._attributes if name in self._reference_types] if self._reference_types else []
        return {one for rule in rules for name in rule.names for one in _targets(name, attributes)}

    def values(self, name: str, attributes: Attributes, named: Attributes, referenced: Mapping[str, str]) -> Values:
        """Return the values of all attributes that have any, the naming attribute first. `name`: the value of the RDN;
        `referenced`: the DNs of the targets that have an entry."""
        found: Values = []
        for ldap_name, rule, single in self._attributes:
            values = (
                rule.values(attributes, named)
                if ldap_name not in self._reference_types
                else _names(rule, attributes, named, referenced)
            )
            if values:
                found.append((ldap_name, values[:1] if single else _distinct(ldap_name, values)))
        naming, own = self.rules.naming, name.encode()
        if not found or not _is_same(found[0][0], naming):
            found.insert(0, (naming, [own]))
        elif own not in found[0][1]:
            found[0] = (found[0][0], [own])
        return found

    def with_classes(self, values: Values) -> Values:
        """Return the values with objectClass before them, and without the attributes that none of the classes allows."""
        present = {ldap_name for ldap_name, _ in values}
        classes = [*self.rules.object_classes]
        classes += [extra for extra, needed in self.rules.conditional_classes.items() if present.issuperset(needed)]
        conditional = self._conditional
        allowed = [one for one in values if one[0] not in conditional or not conditional[one[0]].isdisjoint(classes)]
        return [("objectClass", [name.encode() for name in classes]), *allowed]

    def shows(self, attribute: str, item: DirectoryObject, named: Attributes) -> bool:
        """Return whether an attribute would be shown on the entry of an object, if it had values."""
        allowing = self._conditional.get(attribute)
        if not allowing:
            return True
        rules = self.rules.attributes
        return any(
            all(name in rules and rules[name].values(item.attributes, named) for name in needed)
            for needed in map(self.rules.conditional_classes.__getitem__, allowing)
        )


def _targets(name: str, attributes: Attributes) -> Iterator[str]:
    return (one for one in attributes.get(reference_to(name), ()) if isinstance(one, str))


def _names(rule: Rule, attributes: Attributes, named: Attributes, referenced: Mapping[str, str]) -> list[bytes]:
    """Return the names of the entries that the first attribute of the rule refers to, as far as it refers to any."""
    for name in rule.names:
        if found := [referenced[one].encode() for one in _targets(name, attributes) if one in referenced]:
            return found[:1] if rule.only_first else found
    return replace(rule, names=()).values(attributes, named)


def _own_name(item: DirectoryObject) -> str:
    return item.username if isinstance(item, User) else item.name


def _is_same(description: str, other: str) -> bool:
    return attribute_key(description) == attribute_key(other)


def _ordered(rules: EntryRules) -> tuple[tuple[str, Rule, bool], ...]:
    """Return (attribute, rule, whether it has one value) in the order in which they are sent: the naming attribute first, as
    people expect to read it."""
    naming = attribute_key(rules.naming)
    ordered = sorted(rules.attributes.items(), key=lambda item: attribute_key(item[0]) != naming)
    return tuple((name, rule, schema.is_single_valued(attribute_key(name))) for name, rule in ordered)


def _conditional_attributes(rules: EntryRules, members: Sequence[str]) -> dict[str, frozenset[str]]:
    """Return attribute → the conditional classes that allow it, for those that the entry's other classes do not allow: such an
    attribute is shown only beside one of them (RFC 4512 §2.4)."""
    always = {attribute for name in rules.object_classes for attribute in schema.allowed_by(name)}
    extra = {name: schema.allowed_by(name) - always for name in rules.conditional_classes}
    found: dict[str, frozenset[str]] = {}
    for description in (*rules.attributes, *members):
        classes = frozenset(name for name, allowed in extra.items() if attribute_key(description) in allowed)
        if classes:
            found[description] = classes
    return found


def _distinct(description: str, values: list[bytes]) -> list[bytes]:
    """Return the values without those that match an earlier one (RFC 4512 §2.3)."""
    if len(values) == 1:
        return values
    key = matching_rules.equality_function(attribute_key(description))
    found: dict[bytes, bytes] = {}
    for value in values:
        found.setdefault(key(value) or value, value)
    return list(found.values())
