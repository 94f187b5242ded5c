"""The definition of a view: base DN, containers, and the rules by which an object of each kind becomes an LDAP entry.

Only values; view_kinds.py makes them. A view's `fingerprint` names its content: another shape is another view file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from gateway.directory.projection.attribute_rules import Rule
from gateway.model.ldap import schema
from gateway.model.ldap.dn import DN, RDN
from gateway.model.objects import Kind

FORMAT = 10
"""Raised when the view file or the projection changes, so that existing files are built anew."""

Layout: TypeAlias = Literal["flat", "tree"]

PROJECTED = frozenset({"objectClass", "o", "cn", "name", "distinguishedName", "objectCategory"})
"""The attributes of the view's own entries, which no rule makes."""


_OF_ALL = frozenset({"id", "dn", "domain", "ad_created", "ad_changed"})
NAMED: Mapping[Kind, frozenset[str]] = {
    Kind.USER: _OF_ALL | {"username", "enabled", "organization_names", "principal", "account_control"},
    Kind.GROUP: _OF_ALL | {"name"},
    Kind.ORGANIZATION: _OF_ALL | {"name"},
}
"""The names that rules may use besides an object's attributes; projection.py and named_values.py give their values."""


def refers(description: str, rule: Rule) -> bool:
    """Return whether an attribute names other entries: it is of the syntax DN, and its values come from objects. No text of a
    source is shown as such a name: it would be of the source's tree."""
    return schema.holds_names(description.partition(";")[0]) and bool(rule.asked) and rule.names != ("dn",)


@dataclass(frozen=True, slots=True)
class EntryRules:
    """The rules by which objects of one kind become entries.

    `container`: the RDNs below the base (nearest last, as in a DN) that hold them; none: the base itself. `naming`: the RDN's
    attribute type, one of `attributes`; its first value is the name. `attributes`: LDAP attribute description → rule.
    `conditional_classes`: an auxiliary class that is added when all the attribute types beside it have a value.
    """

    container: tuple[RDN, ...]
    naming: str
    object_classes: tuple[str, ...]
    attributes: Mapping[str, Rule]
    conditional_classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def allowed(self) -> frozenset[str]:
        """The keys of the attributes that the object classes allow, conditional ones included; extensibleObject allows all."""
        return frozenset().union(*map(schema.allowed_by, (*self.object_classes, *self.conditional_classes)))


@dataclass(frozen=True, slots=True)
class View:
    """One LDAP shape of the directory.

    `indexed_substrings`: the types (keys) with a trigram index. `kind`: openldap, tree, ad or custom. `layout`: people flat in
    their container, or in the tree of the organizations. `transitive_member_of`: memberOf also shows, and matches, the groups
    reached through groups. `member_attributes`: which of member, uniqueMember, memberUid groups show. `private_groups`: whether
    a person's own POSIX group is an entry. `bind_names`: which of dn, principal (user@domain), domain (DOMAIN\\user), login
    (the bare name) people may bind with. `organizations` and `groups`: what is in the view, as ids or names (organizations:
    paths below the root, with everything below); None: all. `leavers`: whether leavers are in it: people whom no source has any
    more, and who are disabled until they are deleted."""

    name: str
    base: DN
    rules: Mapping[Kind, EntryRules]
    indexed_substrings: tuple[str, ...] = ("cn", "sn", "givenname", "uid", "mail", "displayname", "telephonenumber", "ou")
    kind: str = "openldap"
    layout: Layout = "flat"
    transitive_member_of: bool = False
    member_attributes: tuple[str, ...] = ("member", "memberUid")
    private_groups: bool = False
    bind_names: frozenset[str] = frozenset({"dn"})
    domain: str = ""
    netbios: str = ""
    organizations: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    leavers: bool = False

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with anything that changes the entries."""
        names = (FORMAT, self.base.key, str(self.base), sorted((kind, repr(rules)) for kind, rules in self.rules.items()))
        shape = (self.kind, self.layout, self.member_attributes, self.private_groups, self.domain)
        content = (self.organizations, self.groups, *(("leavers",) if self.leavers else ()))
        return hashlib.sha256(repr((names, shape, content, self.indexed_substrings)).encode()).hexdigest()[:16]

    @property
    def stored_attributes(self) -> frozenset[str]:
        """Every attribute description that an entry of this view may have, as it is spelled there."""
        by_rules = {name for rules in self.rules.values() for name in rules.attributes}
        naming = {ava.type for name in self.containers for ava in (name.rdns[0].avas if name.rdns else ())}
        return frozenset(by_rules | naming | PROJECTED | set(self.member_attributes))

    def container(self, kind: Kind) -> DN:
        """Return the DN below which the entries of a kind stand."""
        return DN((*self.rules[kind].container, *self.base.rdns))

    @property
    def shown_unasked(self) -> frozenset[str]:
        """The operational attributes (keys) that are sent with all user attributes: Active Directory's clients expect memberOf
        without asking."""
        return frozenset({"memberof"}) if self.kind == "ad" else frozenset()

    @property
    def has_constructed(self) -> bool:
        """True when entries have the attributes that Active Directory constructs on request."""
        return self.kind == "ad"

    @property
    def has_tombstones(self) -> bool:
        """True when entries that were deleted can be searched below `deleted_objects`."""
        return self.kind == "ad"

    @property
    def deleted_objects(self) -> DN:
        """The DN below which Active Directory shows tombstones to clients that ask for them."""
        return self.base.child("CN", "Deleted Objects")

    @property
    def reference_attributes(self) -> frozenset[str]:
        """The attribute descriptions whose values name other entries (manager, owner), beside those of members."""
        ruled = [item for rules in self.rules.values() for item in rules.attributes.items()]
        return frozenset(name for name, rule in ruled if refers(name, rule))

    @property
    def shows_ranges(self) -> bool:
        """True when long lists of values are sent in ranges, as Active Directory does it."""
        return self.kind == "ad"

    @property
    def containers(self) -> tuple[DN, ...]:
        """The DNs of the entries that the view itself brings: its base, and the containers of people, groups and organizations;
        parents come first."""
        found = {self.base.key: self.base}
        for kind in (Kind.USER, Kind.GROUP, Kind.ORGANIZATION):
            rdns = self.rules[kind].container
            for length in range(1, len(rdns) + 1):
                name = DN((*rdns[-length:], *self.base.rdns))
                found.setdefault(name.key, name)
        return tuple(found.values())

    @property
    def applications(self) -> DN:
        """The DN below which applications have their bind names; there are no entries there."""
        return self.base.child("ou", "applications")
