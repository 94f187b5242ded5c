"""The inverse of a view's rules: a write to an entry's attributes → the edit of ours. Pure.

Only an attribute that a rule passes on unchanged can be written: the value goes to the first of our attributes that the rule
names. Attributes that a rule computes (templates, constants, other spellings) can be given the values that they have anyway
(law 16), and no others; those that the gateway maintains and that the schema forbids are refused.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from gateway.directory.projection.attribute_rules import Rule
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.projection.named_values import NamedValues, derived
from gateway.directory.projection.view_definition import View, refers
from gateway.directory.writes import account_control
from gateway.directory.writes.modifications import Values, same
from gateway.directory.writes.named_entries import NamedEntries
from gateway.directory.writes.object_classes import EntryClasses
from gateway.directory.writes.rule_inversion import comes_by_itself, is_account_control, octets, without_second_name, written_to
from gateway.directory.writes.write_errors import Violation, WriteRefused
from gateway.model.attributes import ATTRIBUTES, reference_to
from gateway.model.ldap import schema
from gateway.model.ldap.dn import AVA, RDN
from gateway.model.objects import Attributes, Kind, Value
from gateway.wire.messages import ADD, Modification, PartialAttribute

OBJECT_CLASS = "objectclass"
ORGANIZATION_NAMES = "organization_names"

_COMPUTED = "{} is computed by the gateway and cannot be written"
_FROM_OTHERS = "{} would still have another value: this view computes it from others"

_OPTIONAL = {"ad": frozenset({"sn"})}
"""The attributes that the standard requires of a person and this kind of directory does not ([MS-ADSC] class person: cn
alone)."""


class EntryEditor:
    """The editor of one kind of entries in one view. `entries`: those that written values name. `named`: values that the view's
    rules may name besides the object's own, as far as they are known (the entry's DN, the names of a new person's
    organizations)."""

    def __init__(
        self,
        kind: Kind,
        view: View,
        entries: NamedEntries = NamedEntries(),  # noqa: B008 (frozen)
        named: NamedValues | None = None,
    ) -> None:
        rules = view.rules[kind]
        self._entries = entries
        self._reference_types = {attribute_key(name) for name, rule in rules.attributes.items() if refers(name, rule)}
        self._named = named or {}
        self._kind, self._view = kind, view
        self._rules = {attribute_key(name): (name, rule) for name, rule in rules.attributes.items()}
        self._naming = attribute_key(rules.naming)
        self.classes = EntryClasses(rules, _OPTIONAL.get(view.kind, frozenset()))

    def new(self, rdn: RDN, attributes: Sequence[PartialAttribute], *, given_here: Collection[str] = ()) -> Attributes:
        """Return our attributes of a new entry. `given_here`: those of ours that the gateway sets itself. Raises
        WriteRefused."""
        naming = self.naming_value(rdn)
        self._check_named(naming, attributes)
        classes = [value for one in attributes if attribute_key(one.type) == OBJECT_CLASS for value in one.values]
        others = [one for one in attributes if attribute_key(one.type) != OBJECT_CLASS]
        names = [one.type.lower() for one in others]
        if repeated := next((one.type for one in others if names.count(one.type.lower()) > 1), None):
            raise WriteRefused(Violation.EXISTS, f"{repeated} is given twice")
        if not any(attribute_key(one.type) == self._naming for one in others):
            others.insert(0, PartialAttribute(rdn.avas[0].type, (naming,)))
        by_itself = {key for key, (_, rule) in self._rules.items() if comes_by_itself(rule, given_here)}
        edited = without_second_name(
            self._kind,
            self._rules[self._naming][1],
            self._edited({}, [Modification(ADD, one) for one in others], naming, by_itself),
        )
        self.classes.check_new(classes, {*map(attribute_key, (one.type for one in others)), *by_itself})
        if self._kind is Kind.USER and not edited.get("username"):
            edited = {
                **edited,
                "username": (rdn.avas[0].value,),
            }  # nobody is without one here, and an entry has a name of its own
        return edited

    def _check_named(self, naming: bytes, attributes: Sequence[PartialAttribute]) -> None:
        """Raises WriteRefused for the naming attribute without the value that is in the entry's name."""
        for one in attributes:
            if attribute_key(one.type) == self._naming and not any(same(one.type, [value], [naming]) for value in one.values):
                raise WriteRefused(Violation.NAMING, f"{one.type} must have the value that is in the entry's name")

    def changed(self, present: Attributes, modifications: Sequence[Modification]) -> Attributes:
        """Return our attributes that change, with their new values. `present`: all that the object has, name included. Raises
        WriteRefused."""
        of_classes = [one for one in modifications if attribute_key(one.attribute.type) == OBJECT_CLASS]
        others = [one for one in modifications if attribute_key(one.attribute.type) != OBJECT_CLASS]
        [naming, *_] = self._values(self._naming, present) or [b""]
        edited = self._edited(present, others, naming)
        if of_classes:
            self._check_classes(present, {**present, **edited}, of_classes)
        return edited

    def renamed(self, present: Attributes, rdn: RDN, *, delete_old: bool) -> Attributes:
        """Return our attributes that change with another RDN (RFC 4511 §4.9). Raises WriteRefused."""
        new = self.naming_value(rdn)
        description, rule = self._rules[self._naming]
        name = written_to(rule)
        if name is None:
            raise WriteRefused(Violation.CONSTRAINT, _COMPUTED.format(description))
        old = replace(rule, only_first=False).values(present, derived(self._view, self._kind, present, present))
        if not delete_old and not same(description, old[:1], [new]) and (self._is_single(name) or rule.only_first):
            raise WriteRefused(
                Violation.CONSTRAINT, f"an entry has one {description} here: the old one cannot stay beside the new one"
            )
        left = [value for value in (old[1:] if delete_old else old) if not same(description, [value], [new])]
        values = self._ours(description, name, [new, *left])
        return {} if present.get(name, ()) == values else {name: values}

    def naming_value(self, rdn: RDN) -> bytes:
        """Return the value by which an RDN names an entry of this kind. Raises WriteRefused."""
        [description, _] = self._rules[self._naming]
        first: AVA = rdn.avas[0]
        if len(rdn.avas) != 1 or schema.canonical(first.type) != self._naming:
            raise WriteRefused(Violation.NAMING, f"entries of this kind are named by one {description}, and nothing else")
        if not first.value.strip():
            raise WriteRefused(Violation.NAMING, f"the {description} of the entry's name is empty")
        return first.value.encode()

    def organization_names(self, attributes: Sequence[PartialAttribute]) -> PartialAttribute | None:
        """Return the attribute in which the names of a person's organizations are given; None when they are not."""
        shown = {key for key, (_, rule) in self._rules.items() if rule.names[:1] == (ORGANIZATION_NAMES,) and not rule.form}
        return next((one for one in attributes if attribute_key(one.type) in shown), None)

    def shown_as(self, name: str) -> str:
        """Return the view's name for an attribute of ours; "" when it has none."""
        if name in ("enabled", "user_account_control"):
            return next((description for description, rule in self._rules.values() if is_account_control(rule)), "")
        return next((description for description, rule in self._rules.values() if written_to(rule) == name), "")

    # Values -----------------------------------------------------------------------------------------------------------

    def _edited(
        self,
        present: Attributes,
        modifications: Iterable[Modification],
        naming: bytes,
        by_itself: Collection[str] = frozenset(),
    ) -> dict[str, tuple[Value, ...]]:
        modified: dict[str, Values] = {}
        for modification in modifications:
            type_, key = modification.attribute.type, self._writable(modification.attribute.type)
            if key not in modified:
                modified[key] = Values(type_, self._values(key, present) if present else [])
            modified[key].modify(type_, modification.operation, modification.attribute.values)
        wanted = {key: values.present for key, values in modified.items()}
        edited: dict[str, tuple[Value, ...]] = {}
        for key, values in wanted.items():
            self._check(key, values, naming)
            description, rule = self._rules[key]
            name = written_to(rule)
            if values == self._values(key, present):
                continue
            if is_account_control(rule):
                edited |= account_control.edit_of(values, present)
            elif name is not None and key in self._reference_types:
                edited |= self._referenced(description, reference_to(name), values, present)
            elif name is not None:
                edited[name] = self._beside_others(rule, present.get(name, ()), self._ours(description, name, values))
        edited |= self._name_kept(present, edited)
        self._check_shown({**present, **edited}, wanted)
        self._check_beside(present, {**present, **edited}, by_itself)
        return edited

    def _name_kept(self, present: Attributes, edited: Attributes) -> Attributes:
        """Return the edit by which the entry keeps its name (RFC 4511 §4.6): one that was shown for want of another is its own
        from now on. Raises WriteRefused."""
        description, rule = self._rules[self._naming]
        old, new = (self._values(self._naming, attributes)[:1] for attributes in (present, {**present, **edited}))
        if not old or old == new:
            return {}
        name = written_to(rule)
        if name is None:
            raise WriteRefused(Violation.ON_RDN, f"{description} names the entry and would change with it: rename it instead")
        others = [value for value in edited.get(name, present.get(name, ())) if not same(description, [octets(value)], old)]
        return {name: (*self._ours(description, name, old), *others)}

    @staticmethod
    def _beside_others(rule: Rule, present: Sequence[Value], written: tuple[Value, ...]) -> tuple[Value, ...]:
        """Return the values that are kept when a client writes the one that it sees: those that it does not see stay, until it
        takes the value away."""
        if not rule.only_first or not written:
            return written
        return (*written, *(one for one in present[1:] if one not in written))

    def _referenced(
        self, description: str, name: str, values: Sequence[bytes], present: Attributes
    ) -> dict[str, tuple[Value, ...]]:
        """Return the edit of what an attribute refers to; what the party does not see stays, whatever it writes."""
        ids: list[Value] = [one for one in present.get(name, ()) if one not in self._entries.names]
        for value in values:
            object_id = self._entries.object_id(value)
            if object_id is None:
                raise WriteRefused(Violation.CONSTRAINT, f"{description}: there is no entry {value.decode(errors='replace')}")
            ids.append(object_id)
        return {} if present.get(name, ()) == tuple(ids) else {name: tuple(ids)}

    def _values(self, key: str, present: Attributes) -> list[bytes]:
        if key in self._reference_types:
            found = (present.get(reference_to(name)) for name in self._rules[key][1].names)
            names = self._entries.names
            return [names[one] for one in next(filter(None, found), ()) if isinstance(one, str) and one in names]
        return self._rules[key][1].values(present, derived(self._view, self._kind, present, present) | self._named)

    def _writable(self, description: str) -> str:
        """Return the key of an attribute that the entry may have, and clients may give. Raises WriteRefused."""
        base = description.partition(";")[0]
        known = schema.ATTRIBUTE_TYPES.get(base.lower())
        if known is None:
            raise WriteRefused(Violation.UNDEFINED_TYPE, f"there is no attribute type {base!r}")
        if known.operational:
            raise WriteRefused(Violation.CONSTRAINT, f"{known.name}: no user modification allowed")
        if known.key not in self._rules:
            if self.classes.allows(known.key):
                raise WriteRefused(Violation.UNWILLING, f"{known.name} is not kept: this view has no rule for it")
            raise WriteRefused(Violation.OBJECT_CLASS, f"{known.name} is not allowed by the entry's object classes")
        return known.key

    def _is_single(self, name: str | None) -> bool:
        definition = ATTRIBUTES[self._kind].get(name or "")
        return definition is not None and definition.single

    def _check(self, key: str, values: Sequence[bytes], naming: bytes) -> None:
        description, rule = self._rules[key]
        one = schema.is_single_valued(key) or rule.only_first or self._is_single(written_to(rule))
        if len(values) > 1 and one:
            raise WriteRefused(Violation.CONSTRAINT, f"{description} has one value, and {len(values)} are given")
        if key == self._naming and not any(same(description, [value], [naming]) for value in values):
            raise WriteRefused(Violation.ON_RDN, f"{description} names the entry: rename it instead")
        if not values and key in self.classes.must:
            raise WriteRefused(Violation.OBJECT_CLASS, f"its object classes require {description}")

    def _check_shown(self, attributes: Attributes, wanted: dict[str, list[bytes]]) -> None:
        """Check that the written values are those shown: else another rule for the same attribute of ours, or a fallback, is in
        the way."""
        for key, values in wanted.items():
            description, rule = self._rules[key]
            if not same(description, values, self._values(key, attributes)):
                raise WriteRefused(
                    Violation.CONSTRAINT, (_COMPUTED if written_to(rule) is None else _FROM_OTHERS).format(description)
                )

    def _check_beside(self, present: Attributes, new: Attributes, by_itself: Collection[str]) -> None:
        """Check that no value is written, or left, where it is not shown: auxiliary classes come and go with what they
        require."""
        before = {key for key in self._rules if self._values(key, present)}
        after = {key for key in self._rules if self._values(key, new)}
        everything = after | set(by_itself)
        for key in sorted(after):
            was_hidden = key in before and not self.classes.shown(key, before)
            if not was_hidden or self._values(key, present) != self._values(key, new):
                self.classes.check_shown(key, everything)

    def _ours(self, description: str, name: str, values: Sequence[bytes]) -> tuple[Value, ...]:
        definition = ATTRIBUTES[self._kind].get(name)
        if definition is not None and definition.binary:
            return tuple(values)
        try:
            return tuple(value.decode() for value in values)
        except UnicodeDecodeError:
            raise WriteRefused(Violation.SYNTAX, f"a value of {description} is not UTF-8 text") from None

    def _check_classes(self, present: Attributes, new: Attributes, modifications: Iterable[Modification]) -> None:
        before = {key: self._values(key, present) for key in self._rules}
        after = {key: self._values(key, new) for key in self._rules}
        wanted = self.classes.present(before)
        for modification in modifications:
            wanted = self.classes.changed(wanted, modification.operation, modification.attribute.values)
        self.classes.check_changed(wanted, after)
