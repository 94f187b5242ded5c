"""The kinds of views: `openldap`, `tree`, `ad`, `custom`, with the entries of each unless the configuration changes them.

Only tables; view_definition.py defines their meaning, view_overrides.py applies the configuration to them."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from gateway.directory.projection import active_directory as ad
from gateway.directory.projection.attribute_rules import Rule, first_of
from gateway.directory.projection.view_definition import EntryRules, Layout, View
from gateway.model.ldap.dn import DN, RDN
from gateway.model.objects import Kind

# The order is that of an entry: what programs ask for most comes first, so that little of an entry has to be read.
USER_ATTRIBUTES: Mapping[str, Rule] = {
    "uid": first_of("username"),
    "cn": first_of("common_name", "display_name", "username"),
    "sn": first_of("family_name", "display_name", "username"),
    "mail": first_of("email"),
    "givenName": first_of("given_name"),
    "initials": first_of("initials"),
    "displayName": first_of("display_name"),
    "telephoneNumber": first_of("phone_number"),
    "mobile": first_of("mobile_number"),
    "title": first_of("title"),
    "description": first_of("description"),
    "employeeNumber": first_of("employee_number"),
    "employeeType": first_of("employee_type"),
    "departmentNumber": first_of("department"),
    "o": first_of("company"),
    "street": first_of("street"),
    "l": first_of("locality"),
    "st": first_of("state"),
    "postalCode": first_of("postal_code"),
    "preferredLanguage": first_of("preferred_language"),
    "manager": first_of("manager"),
    "secretary": first_of("secretary"),
    "seeAlso": first_of("see_also"),
    "businessCategory": first_of("business_category"),
    "roomNumber": first_of("room_number"),
    "physicalDeliveryOfficeName": first_of("office"),
    "homePhone": first_of("home_phone"),
    "pager": first_of("pager_number"),
    "facsimileTelephoneNumber": first_of("fax_number"),
    "postalAddress": first_of("postal_address"),
    "homePostalAddress": first_of("home_postal_address"),
    "postOfficeBox": first_of("post_office_box"),
    "carLicense": first_of("car_license"),
    "labeledURI": first_of("labeled_uri"),
    "uidNumber": first_of("uid_number"),
    "gidNumber": first_of("gid_number"),
    "homeDirectory": first_of("home_directory"),
    "loginShell": first_of("login_shell"),
    "gecos": first_of("gecos"),
    "sshPublicKey": first_of("ssh_public_key"),
    "userCertificate;binary": first_of("certificate"),
    "jpegPhoto": first_of("photo"),
    "audio": first_of("audio"),
    "userSMIMECertificate;binary": first_of("smime_certificate"),
    "ou": first_of("organization_names"),
}

GROUP_ATTRIBUTES: Mapping[str, Rule] = {
    "cn": first_of("name"),
    "description": first_of("description"),
    "gidNumber": first_of("gid_number"),
    "owner": first_of("owner"),
    "seeAlso": first_of("see_also"),
    "businessCategory": first_of("business_category"),
}

ORGANIZATION_ATTRIBUTES: Mapping[str, Rule] = {
    "ou": first_of("name"),
    "description": first_of("description"),
    "telephoneNumber": first_of("phone_number"),
    "street": first_of("street"),
    "l": first_of("locality"),
    "st": first_of("state"),
    "postalCode": first_of("postal_code"),
    "businessCategory": first_of("business_category"),
    "physicalDeliveryOfficeName": first_of("office"),
    "facsimileTelephoneNumber": first_of("fax_number"),
    "postalAddress": first_of("postal_address"),
    "postOfficeBox": first_of("post_office_box"),
}

POSIX_ACCOUNT = ("uidNumber", "gidNumber", "homeDirectory")
"""The attributes without which a user is no posixAccount (RFC 2307)."""


def _below(name: str) -> tuple[RDN, ...]:
    return DN.parse(name).rdns


def _organizations(layout: Layout, name: str = "ou=organizations") -> tuple[RDN, ...]:
    """Return the container of organizations: in the tree they stand right below the base."""
    return _below(name) if layout == "flat" else ()


def openldap(name: str, base: DN, layout: Layout = "flat") -> View:
    """Return the view that most programs expect: uid=…,ou=people  cn=…,ou=groups  ou=… in a tree below ou=organizations."""
    return View(
        name=name,
        base=base,
        rules={
            Kind.USER: EntryRules(
                container=_below("ou=people"),
                naming="uid",
                object_classes=("top", "person", "organizationalPerson", "inetOrgPerson"),
                attributes=USER_ATTRIBUTES,
                conditional_classes={"posixAccount": POSIX_ACCOUNT, "ldapPublicKey": ("sshPublicKey",)},
            ),
            Kind.GROUP: EntryRules(
                container=_below("ou=groups"),
                naming="cn",
                object_classes=("top", "groupOfNames"),
                attributes=GROUP_ATTRIBUTES,
                conditional_classes={"posixGroup": ("gidNumber",)},
            ),
            Kind.ORGANIZATION: EntryRules(
                container=_organizations(layout),
                naming="ou",
                object_classes=("top", "organizationalUnit"),
                attributes=ORGANIZATION_ATTRIBUTES,
            ),
        },
        layout=layout,
    )


def tree(name: str, base: DN, layout: Layout = "tree") -> View:
    """Return the view with people inside the tree of the organizations: uid=…,ou=Sales,ou=Europe  cn=…,ou=groups; users without
    an organization stand below ou=people."""
    return replace(openldap(name, base, layout), kind="tree")


def custom(name: str, base: DN, layout: Layout = "flat") -> View:
    """Return the least view: names and object classes; the configuration adds the rest."""
    plain = openldap(name, base, layout)
    least = {
        Kind.USER: replace(
            plain.rules[Kind.USER],
            object_classes=("top", "account"),
            attributes={"uid": first_of("username")},
            conditional_classes={},
        ),
        Kind.GROUP: replace(plain.rules[Kind.GROUP], attributes={"cn": first_of("name")}, conditional_classes={}),
        Kind.ORGANIZATION: replace(plain.rules[Kind.ORGANIZATION], attributes={"ou": first_of("name")}),
    }
    return replace(plain, kind="custom", rules=least, member_attributes=("member",))


def active_directory(name: str, base: DN, layout: Layout = "flat") -> View:
    """Return the view that programs made for Active Directory expect: CN=Anna Smith,CN=Users  CN=…,OU=Groups  OU=…"""
    rules = {
        Kind.USER: EntryRules(_below("CN=Users"), "CN", ad.USER_CLASSES, ad.user_attributes(base)),
        Kind.GROUP: EntryRules(_below("OU=Groups"), "CN", ad.GROUP_CLASSES, ad.group_attributes(base)),
        Kind.ORGANIZATION: EntryRules(
            _organizations(layout, "OU=Organizations"), "OU", ad.UNIT_CLASSES, ad.unit_attributes(base)
        ),
    }
    return View(
        name=name,
        base=base,
        rules=rules,
        indexed_substrings=("cn", "sn", "givenname", "samaccountname", "mail", "displayname", "userprincipalname"),
        kind="ad",
        layout=layout,
        member_attributes=("member",),
        bind_names=frozenset({"dn", "principal", "domain"}),
        domain=domain_of(base),
        netbios=domain_of(base).partition(".")[0].upper()[:NETBIOS_CHARACTERS],
    )


KINDS: Mapping[str, tuple[Callable[[str, DN, Layout], View], Layout]] = {
    "openldap": (openldap, "flat"),
    "tree": (tree, "tree"),
    "ad": (active_directory, "flat"),
    "custom": (custom, "flat"),
}
"""[[view]] kind → the function that makes the view, and its default layout."""


NETBIOS_CHARACTERS = 15
"""The longest NetBIOS name."""


def domain_of(base: DN) -> str:
    """Return the domain of a base DN, dc=example,dc=com → example.com; "" for a base without dc."""
    return ".".join(ava.value for rdn in base.rdns for ava in rdn.avas if ava.type.lower() == "dc")
