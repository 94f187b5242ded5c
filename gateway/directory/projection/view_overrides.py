"""The configuration's overrides of a kind of view: attribute rules, names, object classes, member attributes, POSIX.

Pure: View → View."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.directory.projection.attribute_rules import Rule, first_of
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.projection.view_definition import EntryRules, View
from gateway.directory.projection.view_kinds import POSIX_ACCOUNT
from gateway.model.ldap.dn import RDN
from gateway.model.objects import Kind

NAMED_BY: Mapping[Kind, str] = {Kind.USER: "username", Kind.GROUP: "name", Kind.ORGANIZATION: "name"}
"""Our attribute that names every object of a kind where no rule gives a name."""

NOTHING = Rule()
"""The override that takes an attribute away."""


@dataclass(frozen=True, slots=True)
class EntryOverrides:
    """The overrides of one kind of entries; what is empty stays as it is."""

    container: tuple[RDN, ...] | None = None
    naming: str = ""
    object_classes: tuple[str, ...] = ()
    attributes: Mapping[str, Rule] = field(default_factory=dict)


def with_overrides(view: View, overrides: Mapping[Kind, EntryOverrides]) -> View:
    """Return the view with overrides of its rules."""
    rules = {kind: _rules(kind, rules, overrides[kind]) if kind in overrides else rules for kind, rules in view.rules.items()}
    return replace(view, rules=rules)


def _rules(kind: Kind, rules: EntryRules, override: EntryOverrides) -> EntryRules:
    naming = override.naming or rules.naming
    attributes = merged(rules.attributes, override.attributes)
    if attribute_key(naming) not in map(attribute_key, attributes):
        attributes[naming] = first_of(NAMED_BY[kind])
    return replace(
        rules,
        container=rules.container if override.container is None else override.container,
        naming=naming,
        object_classes=override.object_classes or rules.object_classes,
        attributes=attributes,
    )


def merged(attributes: Mapping[str, Rule], over: Mapping[str, Rule]) -> dict[str, Rule]:
    """Merge rules over rules: an attribute has one, however it is spelled, and keeps its place."""
    found = {_description_key(name): (name, rule) for name, rule in attributes.items()}
    for name, rule in over.items():
        if rule == NOTHING:
            found.pop(_description_key(name), None)
        else:
            found[_description_key(name)] = (name, rule)
    return dict(found.values())


def _description_key(description: str) -> tuple[str, str]:
    return attribute_key(description), description.partition(";")[2].lower()


def with_members(view: View, attributes: tuple[str, ...]) -> View:
    """Return the view with groups that show their members by these attributes, and the object classes that go with them."""
    groups = view.rules[Kind.GROUP]
    if "uniqueMember" in attributes and groups.object_classes == ("top", "groupOfNames"):
        both = ("top", "groupOfUniqueNames", "groupOfNames") if "member" in attributes else ("top", "groupOfUniqueNames")
        groups = replace(groups, object_classes=both)
    return replace(view, member_attributes=attributes, rules={**view.rules, Kind.GROUP: groups})


@dataclass(frozen=True, slots=True)
class Posix:
    """The attributes of POSIX accounts that no source has: templates for the home directory and the shell ("": none), private
    groups, shadow attributes (RFC 2307 §2.3)."""

    home: str = ""
    shell: str = ""
    private_groups: bool = False
    shadow: bool = False


SHADOW: Mapping[str, Rule] = {
    "shadowLastChange": first_of("shadow_last_change"),
    "shadowMin": Rule(("shadow_min",), constants=("0",)),
    "shadowMax": Rule(("shadow_max",), constants=("99999",)),
    "shadowWarning": Rule(("shadow_warning",), constants=("7",)),
    "shadowInactive": first_of("shadow_inactive"),
    "shadowExpire": first_of("shadow_expire"),
}
"""The shadow attributes, with the defaults of `useradd`: passwords do not expire unless a source has such values."""


def with_posix(view: View, posix: Posix) -> View:
    """Return the view with the POSIX attributes."""
    if posix == Posix():
        return view
    users, groups = view.rules[Kind.USER], view.rules[Kind.GROUP]
    home = "unixHomeDirectory" if view.kind == "ad" else "homeDirectory"
    added = {
        "uidNumber": first_of("uid_number"),
        "gidNumber": first_of("gid_number"),
        home: Rule(("home_directory",), template=posix.home),
        "loginShell": Rule(("login_shell",), template=posix.shell),
        **(SHADOW if posix.shadow else {}),
    }
    conditional = dict(users.conditional_classes)
    if view.kind != "ad":
        conditional |= {"posixAccount": POSIX_ACCOUNT}
        conditional |= {"shadowAccount": (*POSIX_ACCOUNT, "shadowMax")} if posix.shadow else {}
    numbered = merged(groups.attributes, {"gidNumber": first_of("gid_number")})
    rules = {
        **view.rules,
        Kind.USER: replace(users, attributes=merged(users.attributes, added), conditional_classes=conditional),
        Kind.GROUP: replace(groups, attributes=numbered, conditional_classes=_group_classes(view, groups)),
    }
    return replace(view, rules=rules, private_groups=posix.private_groups)


def _group_classes(view: View, groups: EntryRules) -> Mapping[str, tuple[str, ...]]:
    return groups.conditional_classes if view.kind == "ad" else {**groups.conditional_classes, "posixGroup": ("gidNumber",)}
