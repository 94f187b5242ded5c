"""The shape of a view: base DN, containers, and by which rules an object of each kind becomes an LDAP entry.

Only values. A view's `fingerprint` names its content: another shape is another view file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateway.model.dn import AVA, DN, RDN
from gateway.model.objects import Kind

FORMAT = 1
"""Raised when the view file or the projection changes, so that existing files are built anew."""


PROJECTED = frozenset({"objectClass", "ou", "member", "memberUid", "o", "cn"})
"""What projection.py adds to the attributes of the rules."""


@dataclass(frozen=True, slots=True)
class EntryRules:
    """How objects of one kind become entries.

    `container`: the RDN (below the base) that holds them; `naming`: the RDN's attribute type. `attributes`: LDAP attribute
    description → our attribute names, of which the first that has a value gives all its values. `conditional_classes`: an
    auxiliary class that is added when all the attribute types beside it have a value.
    """

    container: RDN
    naming: str
    object_classes: tuple[str, ...]
    attributes: Mapping[str, tuple[str, ...]]
    conditional_classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class View:
    """One LDAP shape of the directory.

    `indexed_substrings`: the types (keys) with a trigram index. `kind`: openldap, tree, ad or custom. `layout`: people flat in
    their container, or in the tree of the organizations. `transitive_member_of`: memberOf also shows, and matches, the groups
    reached through groups. `member_attributes`: which of member, uniqueMember, memberUid groups show. `bind_names`: which of
    dn, principal (user@domain), domain (DOMAIN\\user), login (the bare name) people may bind with. `organizations` and
    `groups`: what is in the view, as ids or names (organizations: paths below the root, with everything below); None: all.
    """

    name: str
    base: DN
    rules: Mapping[Kind, EntryRules]
    indexed_substrings: tuple[str, ...] = ("cn", "sn", "givenname", "uid", "mail", "displayname", "telephonenumber", "ou")
    kind: str = "openldap"
    layout: Literal["flat", "tree"] = "flat"
    transitive_member_of: bool = False
    member_attributes: tuple[str, ...] = ("member", "memberUid")
    bind_names: frozenset[str] = frozenset({"dn"})
    domain: str = ""
    netbios: str = ""
    organizations: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with anything that changes the entries."""
        shape = (FORMAT, self.base.key, str(self.base), sorted((kind, repr(rules)) for kind, rules in self.rules.items()))
        return hashlib.sha256(repr((shape, self.indexed_substrings)).encode()).hexdigest()[:16]

    @property
    def stored_attributes(self) -> frozenset[str]:
        """Every attribute description that an entry of this view may have, as it is spelled there."""
        by_rules = {name for rules in self.rules.values() for name in rules.attributes}
        naming = {ava.type for rdn in (*self.base.rdns[:1], *(r.container for r in self.rules.values())) for ava in rdn.avas}
        return frozenset(by_rules | naming | PROJECTED)

    def container(self, kind: Kind) -> DN:
        """The DN below which the entries of a kind stand."""
        return DN((self.rules[kind].container, *self.base.rdns))

    @property
    def applications(self) -> DN:
        """The DN below which applications have their bind names; there are no entries there."""
        return self.base.child("ou", "applications")


def _unit(name: str) -> RDN:
    return RDN((AVA("ou", name),))


# In this order they stand in an entry: what programs ask for most comes first, so that little of it has to be read.
_USER_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "uid": ("username",),
    "cn": ("common_name", "display_name", "username"),
    "sn": ("family_name", "display_name", "username"),
    "mail": ("email",),
    "givenName": ("given_name",),
    "initials": ("initials",),
    "displayName": ("display_name",),
    "telephoneNumber": ("phone_number",),
    "mobile": ("mobile_number",),
    "title": ("title",),
    "description": ("description",),
    "employeeNumber": ("employee_number",),
    "employeeType": ("employee_type",),
    "departmentNumber": ("department",),
    "o": ("company",),
    "street": ("street",),
    "l": ("locality",),
    "st": ("state",),
    "postalCode": ("postal_code",),
    "preferredLanguage": ("preferred_language",),
    "uidNumber": ("uid_number",),
    "gidNumber": ("gid_number",),
    "homeDirectory": ("home_directory",),
    "loginShell": ("login_shell",),
    "gecos": ("gecos",),
    "sshPublicKey": ("ssh_public_key",),
    "userCertificate;binary": ("certificate",),
    "jpegPhoto": ("photo",),
}

_PLACE_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "telephoneNumber": ("phone_number",),
    "street": ("street",),
    "l": ("locality",),
    "st": ("state",),
    "postalCode": ("postal_code",),
}


def openldap(name: str, base: DN) -> View:
    """The shape most programs expect: uid=…,ou=people  cn=…,ou=groups  ou=… in a tree below ou=organizations."""
    return View(
        name=name,
        base=base,
        rules={
            Kind.USER: EntryRules(
                container=_unit("people"),
                naming="uid",
                object_classes=("top", "person", "organizationalPerson", "inetOrgPerson"),
                attributes=_USER_ATTRIBUTES,
                conditional_classes={
                    "posixAccount": ("uidNumber", "gidNumber", "homeDirectory"),
                    "ldapPublicKey": ("sshPublicKey",),
                },
            ),
            Kind.GROUP: EntryRules(
                container=_unit("groups"),
                naming="cn",
                object_classes=("top", "groupOfNames"),
                attributes={"cn": ("name",), "description": ("description",), "gidNumber": ("gid_number",)},
                conditional_classes={"posixGroup": ("gidNumber",)},
            ),
            Kind.ORGANIZATION: EntryRules(
                container=_unit("organizations"),
                naming="ou",
                object_classes=("top", "organizationalUnit"),
                attributes={"ou": ("name",), "description": ("description",), **_PLACE_ATTRIBUTES},
            ),
        },
    )
