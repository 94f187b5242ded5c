"""The values of an inbound mapping: a source's octets become texts and references, with a warning for each that is left out.

Attribute descriptions are in the form of `normalized`. Pure; raises nothing."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.bounded_cache import cached
from gateway.model.expressions.expression import Expression
from gateway.model.ldap import dn as names
from gateway.model.mapping.defaults import LOGIN_ATTRIBUTES
from gateway.model.objects import Value
from gateway.model.records import Reference, ReferenceForm

_NAMES = frozenset(NAMING_ATTRIBUTE.values())
_POSIX_NUMBERS = ("uid_number", "gid_number")
_NUMBER = re.compile(r"\s*[+-]?0*([0-9]{0,20})\s*")  # as strtoul takes one
_UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff]")  # soft hyphen, zero width space, word joiner, byte order mark
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # C0, DEL, C1, line and paragraph separator
_SHOWN_CHARACTERS: Final = 80  # of a name in a problem
_SEVERAL_LINES = frozenset({"description", "street", "ssh_public_key"})
_OPTIONAL_UID = re.compile(r"#'[01]*'B$")  # RFC 4517 §3.3.21: uniqueMember may end in a bit string


@cached(4_096)
def normalized(description: str) -> str:
    """Return an attribute description in lower case, without the transfer option ;binary (RFC 4522)."""
    return description.lower().replace(";binary", "")


class Step(NamedTuple):
    """The rule that fills one of our attributes from `sources`, the first that has values. `line`: see `is_line`."""

    name: str
    sources: tuple[str, ...]
    single: bool
    binary: bool
    line: bool


class Computation(NamedTuple):
    """The rule that computes one of our attributes; the expression reads `inputs`, attribute descriptions."""

    name: str
    expression: Expression
    inputs: tuple[str, ...]
    single: bool
    line: bool


@dataclass(frozen=True, slots=True)
class Warnings:
    """The warnings about one entry: a sentence for each value that is left out. Called to add one."""

    source_id: str
    dn: str
    sentences: list[str]

    def __call__(self, attribute: str, what: str) -> None:
        self.sentences.append(f"source {self.source_id}: {self.dn}: {attribute}: {what}")

    @property
    def all(self) -> tuple[str, ...]:
        """The sentences, each once: several of our attributes may be read from the same source attribute."""
        return tuple(dict.fromkeys(self.sentences)) if self.sentences else ()


def is_line(name: str) -> bool:
    """Return whether our attribute `name` holds one line, so that its texts go through `line`. Of custom fields, "", nobody
    knows."""
    return bool(name) and name not in _SEVERAL_LINES


def line(text: str) -> str:
    """Return the text without what nobody sees in one line: characters that show nothing, and blanks at the ends."""
    return (text if text.isprintable() else _UNSEEN.sub("", text)).strip()


def lines(values: Sequence[Value]) -> tuple[Value, ...]:
    """Return the values as lines, each once, without empty ones."""
    made = (line(value) if isinstance(value, str) else value for value in values)
    return tuple(dict.fromkeys(value for value in made if value))


def is_name(text: str) -> bool:
    """Return whether the text can be the name of an object: it has no control character and no line break."""
    return text.isprintable() or not _CONTROL.search(text)


def unusable_name(source_id: str, place: str, theirs: str, name: str) -> str:
    """Return the problem of a record whose name, read from `theirs`, is not one by `is_name`."""
    shown = repr(name[:_SHOWN_CHARACTERS])
    what = f"the name {shown} in {theirs} has a line break or another control character"
    return f"source {source_id}: {place}: {what}: correct it at the source"


def step_values(
    step: Step, candidates: Sequence[tuple[str, Sequence[bytes]]], dn: str, warn: Callable[[str, str], None]
) -> tuple[Value, ...] | None:
    """Return the values of the first candidate that has any, `()` when none has, and None when they are all unusable: then
    nothing is known, and the next candidate would be a guess."""
    for description, octets in candidates:
        values: tuple[Value, ...] = tuple(octets)
        if not step.binary:
            said = texts(octets, description, warn)
            values = lines(said) if step.line else said
            if said and not values:
                continue  # blanks say no more than nothing does
        if values:
            if step.single and len(values) > 1:
                # A name that followed the order of an answer would rename its object when nothing has changed.
                ordered = sorted(values, key=str) if step.name in _NAMES else values
                return (main_value(ordered, step.sources, dn),)
            return values
        if any(octets):
            return None
    return ()


def computed_values(
    computations: Sequence[Computation], found: Mapping[str, Sequence[bytes]], dn: str, warn: Callable[[str, str], None]
) -> Iterator[tuple[str, tuple[Value, ...] | None]]:
    """Yield the name and the values of each computation; None as values when an input is unusable. The value of an input that
    stands in the entry's RDN is the first one (see `main_value`)."""
    inputs: dict[str, tuple[Value, ...]] = {}
    unusable = set()
    for name in dict.fromkeys(name for each in computations for name in each.inputs if name in found):
        values: tuple[Value, ...] = texts(found[name], name, warn)
        if len(values) > 1:
            main = main_value(values, (name,), dn)
            values = (main, *(value for value in values if value != main))
        elif not values and any(found[name]):
            unusable.add(name)
        inputs[name] = values
    for each in computations:
        if not unusable.isdisjoint(each.inputs):
            yield each.name, None
            continue
        if each.line:
            values = lines(each.expression({name: lines(said) for name, said in inputs.items()}))
        else:
            values = each.expression(inputs)
        yield each.name, values[:1] if each.single else values


def texts(octets: Sequence[bytes], attribute: str, warn: Callable[[str, str], None]) -> tuple[str, ...]:
    """Return the values that are text and not empty; add a warning for each that is not text."""
    usable = []
    for value in octets:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            warn(attribute, "a value is not UTF-8 and was left out; correct it at the source")
            continue
        if "\0" in text:  # PostgreSQL cannot store it
            warn(attribute, "a value holds a NUL character and was left out; correct it at the source")
        elif text:
            usable.append(text)
    return tuple(usable)


def main_value(values: Sequence[Value], sources: Sequence[str], dn: str) -> Value:
    """Return the value for a single-valued attribute: LDAP values have no order, so the one in the entry's RDN wins."""
    try:
        naming = names.DN.parse(dn).rdns[0].avas
    except (names.InvalidDN, IndexError):
        return values[0]
    in_name = (text for ava in naming if ava.type.lower() in sources for text in (ava.value, line(ava.value)) if text in values)
    return next(in_name, values[0])


def references(
    sources: Sequence[str], found: Mapping[str, Sequence[bytes]], warn: Callable[[str, str], None]
) -> tuple[Reference, ...]:
    """Return all usable references of these attributes, each once, in the source's order."""
    found_references: dict[Reference, None] = {}
    for source in sources:
        for text in texts(found.get(source, ()), source, warn):
            try:
                found_references[_reference(source, text)] = None
            except names.InvalidDN:
                warn(source, f"{text!r} is not a distinguished name and was left out; correct it at the source")
    return tuple(found_references)


def _reference(source: str, text: str) -> Reference:
    if source in LOGIN_ATTRIBUTES:
        return Reference(ReferenceForm.LOGIN, line(text).lower())
    return Reference(ReferenceForm.DN, names.key(_OPTIONAL_UID.sub("", text)))


def leave_out_root(attributes: dict[str, tuple[Value, ...]], warn: Callable[[str, str], None]) -> None:
    """Clear a POSIX number that is root's: whoever may write at a source would make somebody root on every machine that reads
    numbers from here. Machines count them in 32 bits."""
    for name in _POSIX_NUMBERS:
        for text in (value for value in attributes.get(name, ()) if isinstance(value, str) and value.strip()):
            number = _NUMBER.fullmatch(text)
            if number is not None and not int(number[1] or 0) % 2**32:
                attributes[name] = ()
                warn(name, f"{text} is root's number and was left out: give another one at the source, or do not map {name}")
                break
