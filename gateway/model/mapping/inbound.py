"""The inbound mapping: an entry of a source becomes a Delta in our attribute names. Pure and fast; nothing here does I/O.

Missing is not empty (law 9): an attribute that was requested and did not arrive was seen empty and clears (`()`); one
whose values are all unusable is left out, because nothing is known of it. The same holds for the inputs of expressions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

from gateway.model.attributes import ATTRIBUTES, NAMING_ATTRIBUTE, AttributeDefinition
from gateway.model.deltas import Delta, DeltaType
from gateway.model.expressions import expression
from gateway.model.expressions.expression import Expression
from gateway.model.ldap import schema
from gateway.model.mapping.defaults import DEFAULT_ATTRIBUTES, REFERENCES
from gateway.model.mapping.values import (
    Computation,
    Step,
    Warnings,
    computed_values,
    is_line,
    is_name,
    leave_out_root,
    normalized,
    references,
    step_values,
    unusable_name,
)
from gateway.model.objects import Kind, Value
from gateway.model.records import Reference

EntryAttributes: TypeAlias = Sequence[tuple[str, Sequence[bytes]]]
"""An entry's attributes as a source sends them: (attribute description, values), each description once."""

ENABLED: Final = "enabled"

_OWN_NAMES: Final = frozenset({"distinguishedname", "entrydn", "subschemasubentry", "objectcategory"})
"""The attributes of the syntax DN that refer to no other entry of the directory."""

_MAX_SHAPES: Final = 10_000  # a directory has some hundred; a faulty upstream must not fill the memory
_NO_DEFINITION = AttributeDefinition("", "", single=False)


@dataclass(frozen=True, slots=True)
class EnabledRule:
    """The rule by which an account is enabled. Values are compared without regard to case.

    With `enabled_values`, an account is enabled when it has one of them. Else it is disabled when it has one of
    `disabled_values`, or, when there are none, any value at all. Example, ppolicy's permanent lock:
    `EnabledRule("pwdAccountLockedTime", disabled_values=("000001010000Z",))`.
    """

    attribute: str
    disabled_values: tuple[str, ...] = ()
    enabled_values: tuple[str, ...] = ()

    def is_enabled(self, values: Sequence[bytes]) -> bool:
        seen = {value.decode(errors="replace").lower() for value in values}
        if self.enabled_values:
            return not seen.isdisjoint(value.lower() for value in self.enabled_values)
        if self.disabled_values:
            return seen.isdisjoint(value.lower() for value in self.disabled_values)
        return not seen


class _Fill(NamedTuple):
    """A step for entries of one shape: the attribute at `position` fills it, or else the first usable of those at `others`."""

    step: Step
    position: int
    others: tuple[int, ...]


@dataclass(frozen=True)
class InboundMapping:
    """The mapping of one kind. `attributes`: our name (or a key of REFERENCES) → the source's names. `expressions`: our name →
    the text of an expression (model/expressions/expression.py) over the source's names.

    Unknown names of ours are custom fields: text, several values. Without `enabled` the source does not report it. `points`:
    those of our names whose values are names of other entries (manager): references, and no text.
    """

    kind: Kind
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    enabled: EnabledRule | None = None
    expressions: Mapping[str, str] = field(default_factory=dict)
    points: tuple[str, ...] = ()

    @cached_property
    def source_attributes(self) -> tuple[str, ...]:
        """The attributes to request from the source, each once."""
        wanted = [name for sources in self.attributes.values() for name in sources]
        wanted += [name for each in self.computations for name in each.expression.names]
        if self.enabled:
            wanted.append(self.enabled.attribute)
        return tuple({normalized(name): name for name in reversed(wanted)}.values())

    @cached_property
    def computations(self) -> tuple[Computation, ...]:
        known = ATTRIBUTES[self.kind]
        return tuple(
            _computation(name, expression.compile(text, normalized), known.get(name, _NO_DEFINITION))
            for name, text in self.expressions.items()
        )

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        known = ATTRIBUTES[self.kind]
        plain = ((name, theirs) for name, theirs in self.attributes.items() if not self._is_reference(name))
        return tuple(_step(name, theirs, known.get(name, _NO_DEFINITION)) for name, theirs in plain)

    @cached_property
    def reference_steps(self) -> tuple[Step, ...]:
        named = ((name, theirs) for name, theirs in self.attributes.items() if self._is_reference(name))
        return tuple(_step(name, theirs, _NO_DEFINITION) for name, theirs in named)

    def _is_reference(self, name: str) -> bool:
        return name in REFERENCES[self.kind] or name in self.points

    @cached_property
    def cleared(self) -> dict[str, tuple[Value, ...]]:
        """The attributes of an entry that shows none: all cleared. What refers to other entries is no text of its own."""
        return dict.fromkeys((*(step.name for step in self.steps), *self.expressions, *self.points), ())

    @cached_property
    def _fills(self) -> dict[tuple[str, ...], tuple[_Fill, ...]]:
        return {}

    def fills(self, shape: tuple[str, ...]) -> tuple[_Fill, ...]:
        """Return the steps that an entry with these attribute descriptions fills. Entries of one kind have few shapes, so they
        are compiled once for each."""
        fills = self._fills.get(shape)
        if fills is None:
            if len(self._fills) >= _MAX_SHAPES:
                self._fills.clear()
            fills = self._fills[shape] = tuple(self._compile(shape))
        return fills

    def _compile(self, shape: tuple[str, ...]) -> Iterator[_Fill]:
        positions = {normalized(description): index for index, description in enumerate(shape)}
        for step in self.steps:
            found = [positions[source] for source in step.sources if source in positions]
            if found:
                yield _Fill(step, found[0], tuple(found[1:]))


def default_mapping(
    kind: Kind,
    changes: Mapping[str, str | Sequence[str] | Expression] | None = None,
    enabled: EnabledRule | None = None,
    defaults: Mapping[str, tuple[str, ...]] | None = None,
    *,
    of_entries: bool = True,
) -> InboundMapping:
    """Return the defaults for `kind` (those of LDAP when none are given) with the `changes` of the configuration: our name → a
    name of the source, several ("first of"), nothing (`""` or `()`: do not read it), or an expression over the source's names.
    `of_entries`: the source is a directory, where attributes of the syntax DN refer to other entries. Raises ValueError, naming
    the key, for an expression where none is allowed."""
    attributes = dict(DEFAULT_ATTRIBUTES[kind] if defaults is None else defaults)
    computed_from: dict[str, str] = {}
    for name, theirs in (changes or {}).items():
        if isinstance(theirs, Expression):
            _require_text(kind, name)
            attributes.pop(name, None)
            computed_from[name] = theirs.text
            continue
        sources = (theirs,) if isinstance(theirs, str) else tuple(theirs)
        attributes[name] = tuple(source for source in sources if source)
    attributes = {name: theirs for name, theirs in attributes.items() if theirs}
    points = (name for name, theirs in attributes.items() if all(map(_points, theirs)) and name not in REFERENCES[kind])
    return InboundMapping(kind, attributes, enabled, computed_from, tuple(sorted(points)) if of_entries else ())


def _points(source_attribute: str) -> bool:
    """Return whether a directory's attribute holds the names of other entries."""
    return schema.holds_names(source_attribute) and schema.canonical(source_attribute) not in _OWN_NAMES


def _require_text(kind: Kind, name: str) -> None:
    if name in REFERENCES[kind]:
        what = "refers to other entries"
    elif ATTRIBUTES[kind].get(name, _NO_DEFINITION).binary:
        what = "is not text"
    else:
        return
    raise ValueError(f"mapping.{name}: {name} {what}, so no expression can make it; name the attribute that holds it")


def map_entry(
    mapping: InboundMapping,
    source_id: str,
    external_id: str,
    dn: str,
    entry: EntryAttributes,
    exclusion: str = "exclude the entry by the filter",
) -> Delta:
    """Return the whole `entry` as an upsert. `dn` is kept as the source spells it. Raises nothing: unusable values are named in
    `Delta.problem` and `Delta.warnings`, sentences with source, DN and attribute. `exclusion`: the cure for an entry that is no
    object, in the words of the kind of source."""
    warn = Warnings(source_id, dn, [])
    attributes = mapping.cleared.copy()
    for step, position, others in mapping.fills(tuple([description for description, _ in entry])):
        octets = entry[position][1]
        if len(octets) == 1 and not step.binary:  # the common case, inlined
            try:
                text = octets[0].decode()
            except UnicodeDecodeError:
                text = ""
            if text.isprintable() and text and (not step.line or text == text.strip()):
                attributes[step.name] = (text,)
                continue
        values = step_values(step, [entry[i] for i in (position, *others)], dn, warn)
        if values is None:
            del attributes[step.name]
        else:
            attributes[step.name] = values
    mapped_references: dict[str, tuple[Reference, ...]] = {}
    if mapping.reference_steps or mapping.enabled or mapping.computations:
        found = {normalized(description): octets for description, octets in entry}
        for step in mapping.reference_steps:
            values_found = references(step.sources, found, warn)
            if values_found or not any(any(found.get(source, ())) for source in step.sources):
                mapped_references[step.name] = values_found
        for name, values in computed_values(mapping.computations, found, dn, warn):
            if values is None:
                del attributes[name]
            else:
                attributes[name] = values
        if mapping.enabled:
            is_enabled = mapping.enabled.is_enabled(found.get(normalized(mapping.enabled.attribute), ()))
            attributes[ENABLED] = ("true" if is_enabled else "false",)
    leave_out_root(attributes, warn)
    problem = ""
    names = attributes.get(NAMING_ATTRIBUTE[mapping.kind])
    if not names or not is_name(str(names[0])):
        problem = _problem(mapping, attributes, source_id, dn, exclusion)
    return Delta(DeltaType.UPSERT, mapping.kind, external_id, dn, attributes, mapped_references, problem, warn.all)


def _computation(name: str, expression: Expression, definition: AttributeDefinition) -> Computation:
    inputs = tuple(normalized(each) for each in expression.names)
    return Computation(name, expression, inputs, definition.single, is_line(definition.name))


def _step(name: str, sources: tuple[str, ...], definition: AttributeDefinition) -> Step:
    theirs = tuple(normalized(source) for source in sources)
    return Step(name, theirs, definition.single, definition.binary, is_line(definition.name))


def _problem(mapping: InboundMapping, attributes: dict[str, tuple[Value, ...]], source_id: str, dn: str, exclusion: str) -> str:
    """Return the problem of an entry without a usable name, which cannot become an object; the name counts as missing, not as
    cleared."""
    naming = NAMING_ATTRIBUTE[mapping.kind]
    names = attributes.pop(naming, None)
    theirs = " or ".join(mapping.attributes.get(naming, ())) or mapping.expressions.get(naming, "nothing")
    if names:
        return unusable_name(source_id, dn, theirs, str(names[0]))
    return (
        f"source {source_id}: {dn} has no usable {theirs}, which {naming} is read from: "
        f"give it one, map {naming} to another attribute of {mapping.kind}s, or {exclusion}"
    )
