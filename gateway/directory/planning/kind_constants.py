"""Constants of an entry's kind: every person of a view has the same object classes and the same objectCategory, so an assertion
about them is one about the kind, which costs nothing. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from gateway.directory.projection.attribute_rules import Rule
from gateway.directory.projection.entry_kinds import CONTAINER, PRIVATE_GROUP
from gateway.directory.projection.index_keys import attribute_key, stored_key
from gateway.directory.projection.projection import Projection
from gateway.directory.projection.view_definition import EntryRules, View
from gateway.model.ldap import matching_rules, schema
from gateway.model.objects import Kind

OF_ITS_KIND = ("objectclass", "objectcategory")
"""The attributes (keys) that a kind may decide. Few values are asserted of them, so the value is part of a shape."""

_MARKS = ("objectcategory", "samaccounttype", "grouptype")
"""The attributes (keys) by which programs for Active Directory ask for a kind of entries, as others do by objectClass."""

_TOLD = frozenset({"sam_account_type", "group_type"})
"""Attributes of ours that a source may tell, and that say no more than what kind of account or group an object is."""

_Keys: TypeAlias = frozenset[bytes]


def marks(view: View) -> frozenset[str]:
    """Return those of _MARKS that say no more in this view than what kind an entry is of, as objectClass does: every party may
    read them."""
    ruled: dict[str, list[Rule]] = {mark: [] for mark in _MARKS}
    for rules in view.rules.values():
        for name, rule in rules.attributes.items():
            if (key := attribute_key(name)) in ruled:
                ruled[key].append(rule)
    return frozenset(mark for mark, found in ruled.items() if found and all(_TOLD.issuperset(rule.asked) for rule in found))


class KindConstants:
    """The constants of one view."""

    def __init__(self, view: View) -> None:
        self._known = {attribute: _by_kind(view, attribute) for attribute in OF_ITS_KIND}

    def are_known(self, attribute: str) -> bool:
        """Return whether the possible values of this attribute are known; else a rule of the view makes them."""
        return self._known.get(attribute) is not None

    def kinds(self, attribute: str, key: bytes) -> tuple[str, ...] | None:
        """Return the kinds of which every entry, and no entry of another kind, has this value, none for an impossible value;
        None when the kind does not decide. `attribute`: one that is known."""
        known = self._known[attribute] or {}
        if any(key in possible - always for always, possible in known.values()):
            return None
        return tuple(kind for kind, (always, _) in known.items() if key in always)


def _by_kind(view: View, attribute: str) -> Mapping[str, tuple[_Keys, _Keys]] | None:
    """Return kind → the keys that all of its entries have, and those that an entry of it may have; None when a rule decides."""
    found: dict[str, tuple[_Keys, _Keys]] = {}
    for kind, rules in view.rules.items():
        values = _values(rules, attribute)
        if values is None:
            return None
        always, possible = (_keys(attribute, part) for part in values)
        found[kind.value] = (always, always | possible)
        if kind is Kind.GROUP:
            found[PRIVATE_GROUP] = found[kind.value]
    of_containers = [
        _keys(attribute, (value for name, values in entry.attributes if attribute_key(name) == attribute for value in values))
        for entry in Projection(view).containers(datetime.fromtimestamp(0, UTC))
    ]
    found[CONTAINER] = (frozenset.intersection(*of_containers), frozenset.union(*of_containers))
    return found


def _values(rules: EntryRules, attribute: str) -> tuple[Iterable[bytes], Iterable[bytes]] | None:
    """Return the values that an entry has, and those that it may have besides."""
    ruled = [rule for name, rule in rules.attributes.items() if attribute_key(name) == attribute]
    if attribute == "objectclass":
        return None if ruled else (_encoded(rules.object_classes), _encoded(rules.conditional_classes))
    if not ruled:
        return (), ()
    always_allowed = any(attribute in schema.allowed_by(name) for name in rules.object_classes)
    if not always_allowed or any(rule.asked for rule in ruled):
        return None
    return [value for rule in ruled for value in rule.values({}, {})], ()


def _encoded(names: Iterable[str]) -> list[bytes]:
    return [name.encode() for name in names]


def _keys(attribute: str, values: Iterable[bytes]) -> _Keys:
    function = matching_rules.equality_function(attribute)
    return frozenset(stored_key(attribute, key) for key in map(function, values) if key is not None)
