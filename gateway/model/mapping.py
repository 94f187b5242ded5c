"""Inbound mapping: an LDAP entry of a source becomes a Delta in our attribute names. Pure and fast; nothing here does I/O.

Missing is not empty (law 9): an attribute that was asked for and did not come was seen empty and clears (`()`); one whose
values could all not be read is left out, because nothing is known of it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, NamedTuple, TypeAlias

from gateway.model import dn as names
from gateway.model.attributes import ATTRIBUTES, NAMING_ATTRIBUTE, AttributeDefinition
from gateway.model.deltas import MEMBERS, Delta, DeltaType
from gateway.model.objects import Kind, Value
from gateway.model.records import Reference, ReferenceForm

EntryAttributes: TypeAlias = Iterable[tuple[str, Sequence[bytes]]]
"""An entry's attributes as a source sends them: (attribute description, values)."""

ENABLED: Final = "enabled"
ORGANIZATIONS: Final = "organizations"
PARENT: Final = "parent"

REFERENCES: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.ORGANIZATION: frozenset({PARENT}),
    Kind.USER: frozenset({ORGANIZATIONS}),
    Kind.GROUP: frozenset({MEMBERS}),
}
"""The keys of a mapping whose values are pointers to other records, not attributes."""

LOGIN_ATTRIBUTES: Final = frozenset({"memberuid"})
"""Source attributes that point by login name (RFC 2307); every other pointer is a DN."""

DEFAULT_ATTRIBUTES: Final[Mapping[Kind, Mapping[str, tuple[str, ...]]]] = {
    # inetOrgPerson (RFC 2798), posixAccount (RFC 2307), ldapPublicKey
    Kind.USER: {
        "username": ("uid",),
        "display_name": ("displayName", "cn"),
        "common_name": ("cn",),
        "family_name": ("sn",),
        "given_name": ("givenName",),
        "initials": ("initials",),
        "email": ("mail",),
        "phone_number": ("telephoneNumber",),
        "mobile_number": ("mobile",),
        "title": ("title",),
        "description": ("description",),
        "employee_number": ("employeeNumber",),
        "employee_type": ("employeeType",),
        "department": ("departmentNumber",),
        "company": ("o",),
        "street": ("street",),
        "locality": ("l",),
        "state": ("st",),
        "postal_code": ("postalCode",),
        "preferred_language": ("preferredLanguage",),
        "photo": ("jpegPhoto",),
        "certificate": ("userCertificate",),
        "ssh_public_key": ("sshPublicKey",),
        "uid_number": ("uidNumber",),
        "gid_number": ("gidNumber",),
        "home_directory": ("homeDirectory",),
        "login_shell": ("loginShell",),
        "gecos": ("gecos",),
    },
    # organizationalUnit, organization (RFC 4519)
    Kind.ORGANIZATION: {
        "name": ("ou", "o"),
        "description": ("description",),
        "phone_number": ("telephoneNumber",),
        "street": ("street",),
        "locality": ("l",),
        "state": ("st",),
        "postal_code": ("postalCode",),
    },
    # groupOfNames, groupOfUniqueNames (RFC 4519), posixGroup (RFC 2307)
    Kind.GROUP: {
        "name": ("cn",),
        "description": ("description",),
        "email": ("mail",),
        "gid_number": ("gidNumber",),
        MEMBERS: ("member", "uniqueMember", "memberUid"),
    },
}
"""Our name → the source's names. An attribute takes the first that has values; a reference takes all of them together."""

_OPTIONAL_UID = re.compile(r"#'[01]*'B$")  # RFC 4517 §3.3.21: uniqueMember may end in a bit string
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
    found: dict[str, Sequence[bytes]] = {}
    for description, raw in entry:
        found[_normalized(description)] = raw
    warnings: list[str] = []
    warn = _Warner(source_id, dn, warnings)
    attributes: dict[str, tuple[Value, ...]] = {}
    for name, sources, single, binary in mapping.steps:
        values: tuple[Value, ...] | None = ()
        for source in sources:
            if octets := found.get(source):
                values = tuple(octets) if binary else _texts(octets, source, warn)
                if values:
                    break
        if values is not None:
            attributes[name] = values if len(values) < 2 or not single else (_main_value(values, sources, dn),)
    if mapping.enabled:
        is_enabled = mapping.enabled.is_enabled(found.get(_normalized(mapping.enabled.attribute), ()))
        attributes[ENABLED] = ("true" if is_enabled else "false",)
    references = {step.name: _references(step.sources, found, warn) for step in mapping.pointers}
    problem = _problem(mapping, attributes, source_id, dn)
    return Delta(DeltaType.UPSERT, mapping.kind, external_id, dn, attributes, references, problem, tuple(warnings))


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


def _texts(octets: Sequence[bytes], attribute: str, warn: Callable[[str, str], None]) -> tuple[str, ...] | None:
    """The values that are text; None when there were values and not one of them is: then nothing is known."""
    try:
        texts = [value.decode() for value in octets]
    except UnicodeDecodeError:
        texts = []
        for value in octets:
            try:
                texts.append(value.decode())
            except UnicodeDecodeError:
                warn(attribute, "a value is not UTF-8 and was left out; correct it at the source")
    if any("\0" in text for text in texts):
        warn(attribute, "a value holds a NUL character and was left out; correct it at the source")
        texts = [text for text in texts if "\0" not in text]
    return tuple([text for text in texts if text]) if texts else None


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
    """All pointers of these attributes, each once, in the source's order."""
    pointers: dict[Reference, None] = {}
    for source in sources:
        for text in _texts(found.get(source, ()), source, warn) or ():
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
    """Why this entry cannot become an object, or ""; a name that is not there is not a name that was cleared."""
    naming = NAMING_ATTRIBUTE[mapping.kind]
    if attributes.get(naming):
        return ""
    attributes.pop(naming, None)
    theirs = " or ".join(mapping.attributes.get(naming, ())) or "nothing"
    return (
        f"source {source_id}: {dn} has no usable {theirs}, which {naming} is read from: "
        f"give the entry one, map {naming} to another attribute, or exclude the entry by the filter for {mapping.kind}s"
    )
