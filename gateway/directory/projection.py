"""Object → LDAP entry, by the rules of a view. Pure: what an entry needs from its neighbours is handed in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import NAMESPACE_OID, uuid5

from gateway.directory.definition import EntryRules, View
from gateway.directory.indexing import attribute_key
from gateway.model import matching, schema
from gateway.model.dn import AVA, DN, RDN
from gateway.model.objects import ROOT_ORGANIZATION_ID, DirectoryObject, Group, Kind, Organization, User
from gateway.wire.entries import encode_attribute, encode_entry

CONTAINER = "container"
"""The kind of the entries that the view itself brings: its base and the units below it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The LDAP projection of an object: what is stored and sent.

    `encoded`: a whole SearchResultEntry with the user attributes; `operational`: PartialAttributes one after the other.
    `attributes` and `operational_values` are what was encoded, for the index.
    """

    object_id: str
    kind: str
    dn: str
    dn_key: str
    attributes: tuple[tuple[str, Sequence[bytes]], ...]
    operational_values: tuple[tuple[str, Sequence[bytes]], ...]

    @property
    def encoded(self) -> bytes:
        """The SearchResultEntry with all user attributes."""
        return encode_entry(self.dn.encode(), [(name.encode(), values) for name, values in self.attributes])

    @property
    def operational(self) -> bytes:
        """The stored operational attributes; hasSubordinates and memberOf are found when asked for."""
        return b"".join([encode_attribute(name.encode(), values) for name, values in self.operational_values])


@lru_cache(maxsize=1024)
def timestamp(moment: datetime) -> bytes:
    """Generalized Time (RFC 4517 §3.3.13) in UTC, whole seconds."""
    return moment.strftime("%Y%m%d%H%M%SZ").encode()


class Projection:
    """The projection by one view's rules."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._subschema = b"cn=Subschema"
        self._suffixes = {kind: str(view.container(kind)) for kind in view.rules}
        self._parent_keys = {kind: view.container(kind).key for kind in view.rules}
        self._plans = {kind: self._plan(rules) for kind, rules in view.rules.items()}
        self._conditional = {kind: _conditional_attributes(rules) for kind, rules in view.rules.items()}

    @staticmethod
    def _plan(rules: EntryRules) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The attributes in the order in which they are sent: the naming attribute first, as people expect to read it."""
        return tuple(sorted(rules.attributes.items(), key=lambda item: item[0].lower() != rules.naming))

    def containers(self, created: datetime) -> Iterable[Entry]:
        """The view's own entries, parents first."""
        yield self._container(self._view.base, created)
        for kind in (Kind.USER, Kind.GROUP, Kind.ORGANIZATION):
            yield self._container(self._view.container(kind), created)

    def _container(self, name: DN, created: datetime) -> Entry:
        classes, structural, attributes = _container_classes(name.rdns[0] if name.rdns else None)
        return self._entry(
            str(uuid5(NAMESPACE_OID, name.key)),
            CONTAINER,
            str(name),
            name.key,
            (("objectClass", [c.encode() for c in classes]), *attributes),
            structural,
            created,
            created,
        )

    def user(self, user: User, organization_names: Sequence[str], unique: bool = True) -> Entry:
        """`organization_names`: the names of the organizations the user belongs to, the root left out."""
        values = self._values(Kind.USER, user.attributes, {"username": user.username})
        if organization_names:
            values.append(("ou", _distinct("ou", [name.encode() for name in organization_names])))
        return self._object(Kind.USER, user, user.username, values, unique=unique)

    def group(self, group: Group, members: Sequence[bytes], member_logins: Sequence[bytes], unique: bool = True) -> Entry:
        """`members`: the DNs of the members' entries; `member_logins`: the user names, shown on POSIX groups."""
        values = self._values(Kind.GROUP, group.attributes, {"name": group.name})
        if members:
            values.append(("member", members))
        if member_logins and group.attributes.get("gid_number"):
            values.append(("memberUid", member_logins))
        return self._object(Kind.GROUP, group, group.name, values, unique=unique)

    def organization(self, organization: Organization, parent: tuple[str, str] | None, unique: bool = True) -> Entry:
        """`parent`: DN and key of the parent organization's entry; None right below the container."""
        values = self._values(Kind.ORGANIZATION, organization.attributes, {"name": organization.name})
        return self._object(Kind.ORGANIZATION, organization, organization.name, values, parent=parent, unique=unique)

    def rdn(self, kind: Kind, name: str, object_id: str, unique: bool) -> RDN:
        """An entry's RDN. Where an older object has the same name, the id is added to tell them apart."""
        naming = AVA(self._view.rules[kind].naming, name)
        return RDN((naming,)) if unique else RDN((naming, AVA("entryUUID", object_id)))

    def plain_key(self, kind: Kind, name: str, parent_key: str | None = None) -> str:
        """The DN key that an object would have if no other had the same name."""
        return f"{parent_key or self._parent_keys[kind]}{self.rdn(kind, name, '', True).key},"

    def _values(
        self, kind: Kind, attributes: Mapping[str, tuple[str | bytes, ...]], named: Mapping[str, str]
    ) -> list[tuple[str, Sequence[bytes]]]:
        found: list[tuple[str, Sequence[bytes]]] = []
        for ldap_name, ours in self._plans[kind]:
            for name in ours:
                direct = named.get(name)
                values = (direct,) if direct else attributes.get(name)
                if values:
                    found.append((ldap_name, _distinct(ldap_name, [v.encode() if isinstance(v, str) else v for v in values])))
                    break
        return found

    def _object(
        self,
        kind: Kind,
        item: DirectoryObject,
        name: str,
        values: list[tuple[str, Sequence[bytes]]],
        *,
        parent: tuple[str, str] | None = None,
        unique: bool,
    ) -> Entry:
        rules = self._view.rules[kind]
        present = {ldap_name for ldap_name, _ in values}
        classes = [*rules.object_classes]
        classes += [extra for extra, needed in rules.conditional_classes.items() if present.issuperset(needed)]
        conditional = self._conditional[kind]
        values = [one for one in values if one[0] not in conditional or not conditional[one[0]].isdisjoint(classes)]
        rdn = self.rdn(kind, name, item.id, unique)
        parent_dn, parent_key = parent or (self._suffixes[kind], self._parent_keys[kind])
        values.insert(0, ("objectClass", [c.encode() for c in classes]))
        return self._entry(
            item.id,
            kind.value,
            f"{rdn},{parent_dn}",
            f"{parent_key}{rdn.key},",
            tuple(values),
            rules.object_classes[-1],
            item.created_at,
            item.updated_at,
        )

    def _entry(
        self,
        object_id: str,
        kind: str,
        name: str,
        key: str,
        attributes: tuple[tuple[str, Sequence[bytes]], ...],
        structural: str,
        created: datetime,
        updated: datetime,
    ) -> Entry:
        operational = (
            ("structuralObjectClass", [structural.encode()]),
            ("entryUUID", [object_id.encode()]),
            ("createTimestamp", [timestamp(created)]),
            ("modifyTimestamp", [timestamp(updated)]),
            ("entryDN", [name.encode()]),
            ("subschemaSubentry", [self._subschema]),
        )
        return Entry(object_id, kind, name, key, attributes, operational)


def _conditional_attributes(rules: EntryRules) -> dict[str, frozenset[str]]:
    """Attribute → the conditional classes that allow it, for those that the entry's other classes do not allow: it is shown
    only beside one of them (RFC 4512 §2.4)."""
    always = {attribute for name in rules.object_classes for attribute in _allowed(name)}
    extra = {name: _allowed(name) - always for name in rules.conditional_classes}
    found: dict[str, frozenset[str]] = {}
    for description in rules.attributes:
        classes = frozenset(name for name, allowed in extra.items() if attribute_key(description) in allowed)
        if classes:
            found[description] = classes
    return found


def _allowed(object_class: str) -> set[str]:
    known = schema.OBJECT_CLASSES.get(object_class.lower())
    return {schema.canonical(attribute) for attribute in (*known.must, *known.may)} if known else set()


def _distinct(description: str, values: list[bytes]) -> list[bytes]:
    """No two values of an attribute match each other (RFC 4512 §2.3): the first of them stays."""
    if len(values) == 1:
        return values
    key = matching.equality_function(attribute_key(description))
    found: dict[bytes, bytes] = {}
    for value in values:
        found.setdefault(key(value) or value, value)
    return list(found.values())


def is_entry(organization: Organization) -> bool:
    """The root organization is the view's container, not an entry of its own."""
    return organization.id != ROOT_ORGANIZATION_ID


def _container_classes(rdn: RDN | None) -> tuple[tuple[str, ...], str, tuple[tuple[str, Sequence[bytes]], ...]]:
    """Object classes, the structural one, and the naming attributes of a container with this RDN."""
    avas = rdn.avas if rdn else ()
    naming = tuple((ava.type, [ava.value.encode()]) for ava in avas)
    first = schema.canonical(avas[0].type) if avas else ""
    if first == "dc":
        return ("top", "dcObject", "organization"), "organization", (*naming, ("o", [avas[0].value.encode()]))
    if first == "o":
        return ("top", "organization"), "organization", naming
    if first == "ou":
        return ("top", "organizationalUnit"), "organizationalUnit", naming
    return ("top", "organizationalRole", "extensibleObject"), "organizationalRole", (*naming, *_common_name(first, avas))


def _common_name(first: str, avas: Sequence[AVA]) -> tuple[tuple[str, Sequence[bytes]], ...]:
    return () if first == "cn" or not avas else (("cn", [avas[0].value.encode()]),)
