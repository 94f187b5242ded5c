"""Object → LDAP entry, by the rules of a view. Pure: what an entry needs from its neighbours is handed in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from uuid import NAMESPACE_OID, UUID, uuid5

from gateway.directory.projection import active_directory, containers
from gateway.directory.projection.attribute_rules import Rule
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.projection.view_definition import EntryRules, View
from gateway.model.ldap import matching_rules, schema
from gateway.model.ldap.dn import AVA, RDN
from gateway.model.objects import ROOT_ORGANIZATION_ID, Attributes, DirectoryObject, Group, Kind, Organization, User, Value
from gateway.wire.entries import encode_attribute, encode_entry

CONTAINER = "container"
"""The kind of the entries that the view itself brings: its base and the units below it."""

PRIVATE_GROUP = "private_group"
"""The kind of the entries of people's own groups: whoever sees the person sees them."""

_PRIVATE = 0x7D1A_64C3_9E5B
"""What the last octets of a person's id and of the private group's differ in."""


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
        self.view = view
        self._subschema = b"cn=Subschema"
        self._places = {kind: (str(view.container(kind)), view.container(kind).key) for kind in view.rules}
        self._naming = {kind: _naming_rule(rules) for kind, rules in view.rules.items()}
        self._plans = {kind: _plan(rules) for kind, rules in view.rules.items()}
        self._conditional = {kind: _conditional_attributes(rules, view.member_attributes) for kind, rules in view.rules.items()}
        self._domain = {"domain": (view.domain,)} if view.domain else {}
        self.held = frozenset((view.base.key, view.applications.key))
        """The keys of the DNs that no object can have."""
        self.container_keys = frozenset(name.key for name in view.containers) - self.held
        """Those of the view's own entries that give way to an organization of the same name: many sources have an ou=people."""

    # The view's own entries -------------------------------------------------------------------------------------------

    def containers(self, created: datetime) -> Iterable[Entry]:
        """The view's own entries, parents first."""
        describe = containers.as_active_directory if self.view.kind == "ad" else containers.by_name
        for name in self.view.containers:
            found = describe(name, self.view.base, created)
            values = (("objectClass", [one.encode() for one in found.object_classes]), *found.attributes)
            identity = str(uuid5(NAMESPACE_OID, name.key))
            yield self._entry(identity, CONTAINER, str(name), name.key, values, found.structural, created, created)

    # Objects ----------------------------------------------------------------------------------------------------------

    def user(
        self, user: User, organization_names: Sequence[str], unique: bool = True, parent: tuple[str, str] | None = None
    ) -> Entry:
        """`organization_names`: the names of the organizations the user belongs to, the root left out. `parent`: DN and key of
        the entry that the user stands below; None below the container."""
        named = self._named(user)
        if organization_names:
            named["organization_names"] = tuple(organization_names)
        return self._object(Kind.USER, user, named, (), unique=unique, parent=parent)

    def group(
        self,
        group: Group,
        members: Sequence[bytes],
        member_logins: Sequence[bytes],
        unique: bool = True,
        parent: tuple[str, str] | None = None,
    ) -> Entry:
        """`members`: the DNs of the members' entries; `member_logins`: the user names, shown on POSIX groups."""
        shown = {"member": members, "uniqueMember": members, "memberUid": member_logins}
        listed = [(name, shown[name]) for name in self.view.member_attributes if shown[name]]
        return self._object(Kind.GROUP, group, self._named(group), listed, unique=unique, parent=parent)

    def organization(self, organization: Organization, parent: tuple[str, str] | None, unique: bool = True) -> Entry:
        """`parent`: DN and key of the parent organization's entry; None right below the container."""
        return self._object(Kind.ORGANIZATION, organization, self._named(organization), (), unique=unique, parent=parent)

    def private_group(self, group: Group, unique: bool = True, parent: tuple[str, str] | None = None) -> Entry:
        """The entry of a person's own group (`private_group` below)."""
        return replace(self.group(group, (), (), unique, parent), kind=PRIVATE_GROUP)

    def lists_logins(self, group: Group) -> bool:
        """Whether the group shows its members' login names, which are costly to find."""
        if "memberUid" not in self.view.member_attributes:
            return False
        rules, allowing = self.view.rules[Kind.GROUP], self._conditional[Kind.GROUP].get("memberUid")
        if not allowing:
            return True
        named = self._named(group)
        return any(
            all(name in rules.attributes and rules.attributes[name].values(group.attributes, named) for name in needed)
            for needed in map(rules.conditional_classes.__getitem__, allowing)
        )

    # Names ------------------------------------------------------------------------------------------------------------

    def name(self, kind: Kind, item: DirectoryObject) -> str:
        """The value of an object's RDN: the first of its naming attribute."""
        return self._name(kind, item, self._named(item))

    def _name(self, kind: Kind, item: DirectoryObject, named: Attributes) -> str:
        values = self._naming[kind].values(item.attributes, named)
        try:
            return values[0].decode() or _own_name(item)
        except (IndexError, UnicodeDecodeError):
            return _own_name(item)

    def rdn(self, kind: Kind, name: str, object_id: str, unique: bool) -> RDN:
        """An entry's RDN. Where an older object has the same name, the id is added to tell them apart."""
        naming = AVA(self.view.rules[kind].naming, name)
        return RDN((naming,)) if unique else RDN((naming, AVA("entryUUID", object_id)))

    def plain_key(self, kind: Kind, name: str, parent_key: str | None = None) -> str:
        """The DN key that an object would have if no other had the same name."""
        return f"{parent_key or self._places[kind][1]}{self.rdn(kind, name, '', True).key},"

    # Values -----------------------------------------------------------------------------------------------------------

    def _named(self, item: DirectoryObject) -> dict[str, tuple[Value, ...]]:
        """What rules may ask for besides an object's attributes."""
        named: dict[str, tuple[Value, ...]] = {"id": (item.id,), **self._domain}
        if isinstance(item, User):
            named["username"] = (item.username,)
            named["enabled"] = ("true" if item.enabled else "false",)
        else:
            named["name"] = (item.name,)
        if self.view.kind == "ad":
            named["ad_created"], named["ad_changed"] = (
                (active_directory.time(item.created_at),),
                (active_directory.time(item.updated_at),),
            )
        return named

    def _values(self, kind: Kind, name: str, attributes: Attributes, named: Attributes) -> list[tuple[str, Sequence[bytes]]]:
        found: list[tuple[str, Sequence[bytes]]] = []
        for ldap_name, rule, single in self._plans[kind]:
            if values := rule.values(attributes, named):
                found.append((ldap_name, values[:1] if single else _distinct(ldap_name, values)))
        naming, own = self.view.rules[kind].naming, name.encode()
        if not found or attribute_key(found[0][0]) != attribute_key(naming):
            found.insert(0, (naming, [own]))
        elif own not in found[0][1]:
            found[0] = (found[0][0], [own])
        return found

    def _object(
        self,
        kind: Kind,
        item: DirectoryObject,
        named: dict[str, tuple[Value, ...]],
        listed: Sequence[tuple[str, Sequence[bytes]]],
        *,
        unique: bool,
        parent: tuple[str, str] | None = None,
    ) -> Entry:
        rules = self.view.rules[kind]
        name = self._name(kind, item, named)
        rdn = self.rdn(kind, name, item.id, unique)
        parent_dn, parent_key = parent or self._places[kind]
        dn = f"{rdn},{parent_dn}"
        named["dn"] = (dn,)
        values = [*self._values(kind, name, item.attributes, named), *listed]
        present = {ldap_name for ldap_name, _ in values}
        classes = [*rules.object_classes]
        classes += [extra for extra, needed in rules.conditional_classes.items() if present.issuperset(needed)]
        conditional = self._conditional[kind]
        values = [one for one in values if one[0] not in conditional or not conditional[one[0]].isdisjoint(classes)]
        values.insert(0, ("objectClass", [c.encode() for c in classes]))
        return self._entry(
            item.id,
            kind.value,
            dn,
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


def private_group(user: User) -> Group | None:
    """The group of one's own: of people whose gidNumber is their uidNumber. Another gidNumber is that of a group which many
    have, and which is there by itself or not."""
    numbers = user.attributes.get("gid_number")
    if not numbers or numbers != user.attributes.get("uid_number"):
        return None
    attributes = {"gid_number": numbers}
    return Group(private_group_id(user.id), user.username, user.origin, user.created_at, user.updated_at, attributes)


def private_group_id(user_id: str) -> str:
    """The entryUUID of a person's private group: always the same, and nobody else's."""
    return str(UUID(int=UUID(user_id).int ^ _PRIVATE))


def private_group_owner(group_id: str) -> str:
    """Whose private group this is."""
    return private_group_id(group_id)


def _own_name(item: DirectoryObject) -> str:
    return item.username if isinstance(item, User) else item.name


def _naming_rule(rules: EntryRules) -> Rule:
    key = attribute_key(rules.naming)
    return next((rule for name, rule in rules.attributes.items() if attribute_key(name) == key), Rule())


def _plan(rules: EntryRules) -> tuple[tuple[str, Rule, bool], ...]:
    """(attribute, rule, whether it has one value) in the order in which they are sent: the naming attribute first, as people
    expect to read it."""
    naming = attribute_key(rules.naming)
    ordered = sorted(rules.attributes.items(), key=lambda item: attribute_key(item[0]) != naming)
    return tuple((name, rule, schema.is_single_valued(attribute_key(name))) for name, rule in ordered)


def _conditional_attributes(rules: EntryRules, members: Sequence[str]) -> dict[str, frozenset[str]]:
    """Attribute → the conditional classes that allow it, for those that the entry's other classes do not allow: it is shown
    only beside one of them (RFC 4512 §2.4)."""
    always = {attribute for name in rules.object_classes for attribute in schema.allowed_by(name)}
    extra = {name: schema.allowed_by(name) - always for name in rules.conditional_classes}
    found: dict[str, frozenset[str]] = {}
    for description in (*rules.attributes, *members):
        classes = frozenset(name for name, allowed in extra.items() if attribute_key(description) in allowed)
        if classes:
            found[description] = classes
    return found


def _distinct(description: str, values: list[bytes]) -> list[bytes]:
    """No two values of an attribute match each other (RFC 4512 §2.3): the first of them stays."""
    if len(values) == 1:
        return values
    key = matching_rules.equality_function(attribute_key(description))
    found: dict[bytes, bytes] = {}
    for value in values:
        found.setdefault(key(value) or value, value)
    return list(found.values())


def is_entry(organization: Organization) -> bool:
    """The root organization is the view's container, not an entry of its own."""
    return organization.id != ROOT_ORGANIZATION_ID
