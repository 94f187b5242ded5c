"""Inbound mapping: an LDAP entry of a source becomes a Delta in our attribute names. Pure and fast; nothing here does I/O.

Missing is not empty (law 9): an attribute that was asked for and did not come was seen empty and clears (`()`); one whose
values could all not be read is left out, because nothing is known of it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, NamedTuple, TypeAlias

from gateway.model import dn as names
from gateway.model.attributes import ATTRIBUTES, NAMING_ATTRIBUTE, AttributeDefinition
from gateway.model.deltas import Delta, DeltaType
from gateway.model.mapping_defaults import DEFAULT_ATTRIBUTES, LOGIN_ATTRIBUTES, REFERENCES
from gateway.model.objects import Kind, Value
from gateway.model.records import Reference, ReferenceForm

EntryAttributes: TypeAlias = Sequence[tuple[str, Sequence[bytes]]]
"""An entry's attributes as a source sends them: (attribute description, values), each description once."""

ENABLED: Final = "enabled"

_OPTIONAL_UID = re.compile(r"#'[01]*'B$")  # RFC 4517 §3.3.21: uniqueMember may end in a bit string
_MOST_SHAPES = 10_000  # a directory has some hundred; an upstream that makes them up must not fill our memory
_NO_DEFINITION = AttributeDefinition("", "", single=False)


@dataclass(frozen=True, slots=True)
class EnabledRule:
    """When an account may not log in. Values are compared without regard to case.

    With `enabled_values`, an account is enabled when it has one of them. Else it is disabled when it has one of
    `disabled_values`, or, when there are none, any value at all. Example, ppolicy's lock for good:
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


class _Step(NamedTuple):
    """How one of our attributes is filled; `sources` in the form of `_normalized`."""

    name: str
    sources: tuple[str, ...]
    single: bool
    binary: bool


class _Fill(NamedTuple):
    """A step for entries of one shape: the attribute at `position` fills it; those at `others` are tried when it cannot."""

    step: _Step
    position: int
    others: tuple[int, ...]


@dataclass(frozen=True)
class InboundMapping:
    """Where a source keeps what we call an object of `kind`. `attributes`: our name (or a key of REFERENCES) → their names.

    Names we do not know are custom fields: text, several values. Without `enabled` the source says nothing about it.
    """

    kind: Kind
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    enabled: EnabledRule | None = None

    @cached_property
    def source_attributes(self) -> tuple[str, ...]:
        """What to ask the source for, each once."""
        wanted = [name for sources in self.attributes.values() for name in sources]
        if self.enabled:
            wanted.append(self.enabled.attribute)
        return tuple({_normalized(name): name for name in reversed(wanted)}.values())

    @cached_property
    def steps(self) -> tuple[_Step, ...]:
        known = ATTRIBUTES[self.kind]
        plain = ((name, theirs) for name, theirs in self.attributes.items() if name not in REFERENCES[self.kind])
        return tuple(_step(name, theirs, known.get(name, _NO_DEFINITION)) for name, theirs in plain)

    @cached_property
    def pointers(self) -> tuple[_Step, ...]:
        pointing = ((name, theirs) for name, theirs in self.attributes.items() if name in REFERENCES[self.kind])
        return tuple(_step(name, theirs, _NO_DEFINITION) for name, theirs in pointing)

    @cached_property
    def cleared(self) -> dict[str, tuple[Value, ...]]:
        """What an entry without any attribute says."""
        return {step.name: () for step in self.steps}

    @cached_property
    def _fills(self) -> dict[tuple[str, ...], tuple[_Fill, ...]]:
        return {}

    def fills(self, shape: tuple[str, ...]) -> tuple[_Fill, ...]:
        """The steps that an entry with these attribute descriptions fills. Entries of one kind come in few shapes, so the
        rules are worked out once for each."""
        fills = self._fills.get(shape)
        if fills is None:
            if len(self._fills) >= _MOST_SHAPES:
                self._fills.clear()
            fills = self._fills[shape] = tuple(self._worked_out(shape))
        return fills

    def _worked_out(self, shape: tuple[str, ...]) -> Iterator[_Fill]:
        positions = {_normalized(description): index for index, description in enumerate(shape)}
        for step in self.steps:
            found = [positions[source] for source in step.sources if source in positions]
            if found:
                yield _Fill(step, found[0], tuple(found[1:]))


def default_mapping(
    kind: Kind, changes: Mapping[str, str | Sequence[str]] | None = None, enabled: EnabledRule | None = None
) -> InboundMapping:
    """The defaults for `kind` with an administrator's `changes`: our name → their name, or several ("first of"), or nothing
    (`""` or `()`: do not read it)."""
    attributes = dict(DEFAULT_ATTRIBUTES[kind])
    for name, theirs in (changes or {}).items():
        sources = (theirs,) if isinstance(theirs, str) else tuple(theirs)
        attributes[name] = tuple(source for source in sources if source)
    return InboundMapping(kind, {name: theirs for name, theirs in attributes.items() if theirs}, enabled)


def map_entry(mapping: InboundMapping, source_id: str, external_id: str, dn: str, entry: EntryAttributes) -> Delta:
    """The whole `entry` as an upsert. `dn` is kept as the source spells it. Raises nothing: what cannot be used is named in
    `Delta.problem` and `Delta.warnings`, sentences with source, DN and attribute."""
    warn = _Warner(source_id, dn, [])
    attributes = mapping.cleared.copy()
    for step, position, others in mapping.fills(tuple([description for description, _ in entry])):
        octets = entry[position][1]
        if len(octets) == 1 and not step.binary:  # nearly all are like this
            try:
                text = octets[0].decode()
            except UnicodeDecodeError:
                text = ""
            if text and "\0" not in text:
                attributes[step.name] = (text,)
                continue
        values = _chosen(step, [entry[i] for i in (position, *others)], dn, warn)
        if values is None:
            del attributes[step.name]
        else:
            attributes[step.name] = values
    references: dict[str, tuple[Reference, ...]] = {}
    if mapping.pointers or mapping.enabled:
        found = {_normalized(description): octets for description, octets in entry}
        for step in mapping.pointers:
            pointers = _references(step.sources, found, warn)
            if pointers or not any(any(found.get(source, ())) for source in step.sources):
                references[step.name] = pointers
        if mapping.enabled:
            is_enabled = mapping.enabled.is_enabled(found.get(_normalized(mapping.enabled.attribute), ()))
            attributes[ENABLED] = ("true" if is_enabled else "false",)
    problem = "" if attributes.get(NAMING_ATTRIBUTE[mapping.kind]) else _problem(mapping, attributes, source_id, dn)
    return Delta(DeltaType.UPSERT, mapping.kind, external_id, dn, attributes, references, problem, tuple(warn.sentences))


@dataclass(frozen=True, slots=True)
class _Warner:
    """Says what was left out of one entry."""

    source_id: str
    dn: str
    sentences: list[str]

    def __call__(self, attribute: str, what: str) -> None:
        self.sentences.append(f"source {self.source_id}: {self.dn}: {attribute}: {what}")


def _step(name: str, sources: tuple[str, ...], definition: AttributeDefinition) -> _Step:
    return _Step(name, tuple(_normalized(source) for source in sources), definition.single, definition.binary)


@lru_cache(maxsize=4096)
def _normalized(description: str) -> str:
    """An attribute description in lower case, without the transfer option ;binary (RFC 4522)."""
    return description.lower().replace(";binary", "")


def _chosen(
    step: _Step, candidates: Sequence[tuple[str, Sequence[bytes]]], dn: str, warn: Callable[[str, str], None]
) -> tuple[Value, ...] | None:
    """The values of the first candidate that has any; `()` when none has, None when they cannot be used: then nothing is
    known, and falling back to the next candidate would be a guess."""
    for description, octets in candidates:
        values: tuple[Value, ...] = tuple(octets) if step.binary else _texts(octets, description, warn)
        if values:
            return (_main_value(values, step.sources, dn),) if step.single and len(values) > 1 else values
        if any(octets):
            return None
    return ()


def _texts(octets: Sequence[bytes], attribute: str, warn: Callable[[str, str], None]) -> tuple[str, ...]:
    """The values that are text and not empty; a warning for each that is not text."""
    texts = []
    for value in octets:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            warn(attribute, "a value is not UTF-8 and was left out; correct it at the source")
            continue
        if "\0" in text:  # which no store keeps
            warn(attribute, "a value holds a NUL character and was left out; correct it at the source")
        elif text:
            texts.append(text)
    return tuple(texts)


def _main_value(values: Sequence[Value], sources: Sequence[str], dn: str) -> Value:
    """The one value of a single-valued attribute: LDAP values have no order, so the one in the entry's own name wins."""
    try:
        naming = names.DN.parse(dn).rdns[0].avas
    except (names.InvalidDN, IndexError):
        return values[0]
    in_name = (ava.value for ava in naming if ava.type.lower() in sources and ava.value in values)
    return next(in_name, values[0])


def _references(
    sources: Sequence[str], found: Mapping[str, Sequence[bytes]], warn: Callable[[str, str], None]
) -> tuple[Reference, ...]:
    """All usable pointers of these attributes, each once, in the source's order."""
    pointers: dict[Reference, None] = {}
    for source in sources:
        for text in _texts(found.get(source, ()), source, warn):
            try:
                pointers[_reference(source, text)] = None
            except names.InvalidDN:
                warn(source, f"{text!r} is not a distinguished name and was left out; correct it at the source")
    return tuple(pointers)


def _reference(source: str, text: str) -> Reference:
    if source in LOGIN_ATTRIBUTES:
        return Reference(ReferenceForm.LOGIN, text.lower())
    return Reference(ReferenceForm.DN, names.key(_OPTIONAL_UID.sub("", text)))


def _problem(mapping: InboundMapping, attributes: dict[str, tuple[Value, ...]], source_id: str, dn: str) -> str:
    """Why this entry without a name cannot become an object. A name that is not there is not a name that was cleared."""
    naming = NAMING_ATTRIBUTE[mapping.kind]
    attributes.pop(naming, None)
    theirs = " or ".join(mapping.attributes.get(naming, ())) or "nothing"
    return (
        f"source {source_id}: {dn} has no usable {theirs}, which {naming} is read from: "
        f"give the entry one, map {naming} to another attribute, or exclude the entry by the filter for {mapping.kind}s"
    )
