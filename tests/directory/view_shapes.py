"""Views of all kinds, each with a feature that the others have not, for laws that hold in all of them."""

from dataclasses import replace

from gateway.directory.projection import view_overrides
from gateway.directory.projection.attribute_rules import Rule, constant, first_of
from gateway.directory.projection.view_definition import Layout, View
from gateway.directory.projection.view_kinds import active_directory, custom, openldap, tree
from gateway.directory.projection.view_overrides import EntryOverrides, Posix
from gateway.model.ldap.dn import DN
from gateway.model.objects import Kind
from tests.directory.worlds import BASE, identifier

DOMAIN = "example.test"
_BASE = DN.parse(BASE)
_POSIX = Posix(home="/home/{username}", shell="/bin/sh", private_groups=True, shadow=True)
_BY_NAME = {Kind.USER: EntryOverrides(naming="cn", attributes={"uid": Rule(("username",), form="lower")})}


def _windows(layout: Layout = "flat") -> View:
    return active_directory("windows", _BASE, layout)


def _chosen(view: View) -> View:
    """By path, by id and by name: what they mean changes with the directory."""
    return replace(view, organizations=("anna", "Ben/x+y", identifier(550), "a,b"), groups=("ANNA", identifier(703), "ben"))


SHAPES = {
    "openldap": openldap("flat", _BASE),
    "tree": tree("tree", _BASE),
    "ad": _windows(),
    "ad-tree": _windows("tree"),
    "ad-together": view_overrides.with_overrides(_windows(), {Kind.GROUP: EntryOverrides(container=DN.parse("CN=Users").rdns)}),
    "custom": view_overrides.with_overrides(
        custom("custom", _BASE),
        {
            Kind.USER: EntryOverrides(
                container=DN.parse("ou=staff,ou=all").rdns,
                naming="mail",
                object_classes=("top", "person", "organizationalPerson", "inetOrgPerson"),
                attributes={
                    "mail": first_of("email"),
                    "cn": Rule(("common_name",), template="{username}"),
                    "sn": constant("-"),
                    "o": first_of("organization_names"),
                },
            )
        },
    ),
    "posix": view_overrides.with_posix(
        view_overrides.with_members(openldap("posix", _BASE), ("member", "uniqueMember", "memberUid")), _POSIX
    ),
    "posix-by-name": view_overrides.with_overrides(view_overrides.with_posix(tree("by-name", _BASE), _POSIX), _BY_NAME),
    "chosen": _chosen(openldap("chosen", _BASE)),
    "chosen-tree": _chosen(view_overrides.with_posix(tree("chosen-tree", _BASE), _POSIX)),
}
"""Shape by name."""
