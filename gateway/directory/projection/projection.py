"""The projection of objects as LDAP entries, by the rules of a view. Pure: what an entry needs from its neighbours is handed
in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from uuid import NAMESPACE_OID, uuid5

from gateway.directory.projection import active_directory, containers
from gateway.directory.projection.entry import Entry, EntryAttributes
from gateway.directory.projection.entry_kinds import CONTAINER, PRIVATE_GROUP
from gateway.directory.projection.entry_plan import EntryPlan
from gateway.directory.projection.named_values import NamedValues, derived
from gateway.directory.projection.view_definition import View
from gateway.model.ldap.dn import AVA, RDN
from gateway.model.objects import DirectoryObject, Group, Kind, Organization, User

_SUBSCHEMA: Final = b"cn=Subschema"


@lru_cache(maxsize=1024)
def timestamp(moment: datetime) -> bytes:
    """Return a Generalized Time (RFC 4517 §3.3.13) in UTC, whole seconds."""
    return moment.strftime("%Y%m%d%H%M%SZ").encode()


class Projection:
    """The projection by one view's rules."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._containers = {kind: (str(view.container(kind)), view.container(kind).key) for kind in view.rules}
        self._plans = {kind: EntryPlan(rules, view.member_attributes) for kind, rules in view.rules.items()}
        self.reserved_keys = frozenset((view.base.key, view.applications.key))
        """The keys of the DNs that no object can have."""
        self.container_keys = frozenset(name.key for name in view.containers) - self.reserved_keys
        """Those of the view's own entries that give way to an organization of the same name: many sources have an ou=people."""

    # The view's own entries -------------------------------------------------------------------------------------------

    def containers(self, created: datetime) -> Iterable[Entry]:
        """Yield the view's own entries, parents first."""
        describe = containers.as_active_directory if self.view.kind == "ad" else containers.by_name
        for name in self.view.containers:
            found = describe(name, self.view.base, created)
            values = (("objectClass", [one.encode() for one in found.object_classes]), *found.attributes)
            object_id = str(uuid5(NAMESPACE_OID, name.key))
            operational = _operational(found.structural, object_id, str(name), created, created)
            yield Entry(object_id, CONTAINER, str(name), name.key, values, operational)

    # Objects ----------------------------------------------------------------------------------------------------------

    def user(
        self,
        user: User,
        organization_names: Sequence[str],
        unique: bool = True,
        parent: tuple[str, str] | None = None,
        referenced: Mapping[str, str] = MappingProxyType({}),
    ) -> Entry:
        """Return a user's entry. `organization_names`: the names of the organizations the user belongs to, the root left out.
        `parent`: DN and key of the entry that the user stands below; None below the container. `unique`: as for `rdn`.
        `referenced`: object id → DN of the `targets` that have an entry."""
        named = self._named(user)
        if organization_names:
            named["organization_names"] = tuple(organization_names)
        return self._object(Kind.USER, user, named, (), unique=unique, parent=parent, referenced=referenced)

    def group(
        self,
        group: Group,
        members: Sequence[bytes],
        member_logins: Sequence[bytes],
        unique: bool = True,
        parent: tuple[str, str] | None = None,
        referenced: Mapping[str, str] = MappingProxyType({}),
    ) -> Entry:
        """Return a group's entry. `members`: the DNs of the members' entries; `member_logins`: the user names, shown on POSIX
        groups."""
        shown = {"member": members, "uniqueMember": members, "memberUid": member_logins}
        listed = [(name, shown[name]) for name in self.view.member_attributes if shown[name]]
        return self._object(Kind.GROUP, group, self._named(group), listed, unique=unique, parent=parent, referenced=referenced)

    def organization(self, organization: Organization, parent: tuple[str, str] | None, unique: bool = True) -> Entry:
        """Return an organization's entry. `parent`: DN and key of the parent organization's entry; None right below the
        container."""
        return self._object(Kind.ORGANIZATION, organization, self._named(organization), (), unique=unique, parent=parent)

    def private_group(self, group: Group, unique: bool = True, parent: tuple[str, str] | None = None) -> Entry:
        """Return the entry of a person's private group (entry_kinds.py)."""
        return replace(self.group(group, (), (), unique, parent), kind=PRIVATE_GROUP)

    def lists_logins(self, group: Group) -> bool:
        """Return whether the group shows its members' login names, which are costly to find."""
        if "memberUid" not in self.view.member_attributes:
            return False
        return self._plans[Kind.GROUP].shows("memberUid", group, self._named(group))

    def targets(self, kind: Kind, item: DirectoryObject) -> set[str]:
        """Return the objects (ids) that an object's entry names if they have entries: a manager, an owner."""
        return self._plans[kind].targets(item.attributes)

    # Names ------------------------------------------------------------------------------------------------------------

    def name(self, kind: Kind, item: DirectoryObject) -> str:
        """Return the value of an object's RDN."""
        return self._plans[kind].name(item, self._named(item))

    def rdn(self, kind: Kind, name: str, object_id: str, unique: bool) -> RDN:
        """Return an entry's RDN; where it is not `unique`, because an older object has the same name, the id is added."""
        naming = AVA(self.view.rules[kind].naming, name)
        return RDN((naming,)) if unique else RDN((naming, AVA("entryUUID", object_id)))

    def plain_key(self, kind: Kind, name: str, parent_key: str | None = None) -> str:
        """Return the DN key that an object would have if no other had the same name."""
        return f"{parent_key or self._containers[kind][1]}{self.rdn(kind, name, '', True).key},"

    # Values -----------------------------------------------------------------------------------------------------------

    def _named(self, item: DirectoryObject) -> NamedValues:
        """Return the values that rules may name besides an object's attributes (view_definition.NAMED)."""
        own: NamedValues
        if isinstance(item, User):
            kind, own = Kind.USER, {"username": (item.username,), "enabled": ("true" if item.enabled else "false",)}
        else:
            kind, own = Kind.GROUP if isinstance(item, Group) else Kind.ORGANIZATION, {"name": (item.name,)}
        named = {"id": (item.id,), **own, **derived(self.view, kind, own, item.attributes)}
        if self.view.kind == "ad":
            named["ad_created"] = (active_directory.time(item.created_at),)
            named["ad_changed"] = (active_directory.time(item.updated_at),)
        return named

    def _object(
        self,
        kind: Kind,
        item: DirectoryObject,
        named: NamedValues,
        listed: EntryAttributes,
        *,
        unique: bool,
        parent: tuple[str, str] | None = None,
        referenced: Mapping[str, str] = MappingProxyType({}),
    ) -> Entry:
        plan = self._plans[kind]
        name = plan.name(item, named)
        rdn = self.rdn(kind, name, item.id, unique)
        parent_dn, parent_key = parent or self._containers[kind]
        dn = f"{rdn},{parent_dn}"
        named["dn"] = (dn,)
        attributes = plan.with_classes([*plan.values(name, item.attributes, named, referenced), *listed])
        operational = _operational(plan.rules.object_classes[-1], item.id, dn, item.created_at, item.updated_at)
        return Entry(item.id, kind.value, dn, f"{parent_key}{rdn.key},", tuple(attributes), operational)


def _operational(structural: str, object_id: str, dn: str, created: datetime, updated: datetime) -> EntryAttributes:
    return (
        ("structuralObjectClass", [structural.encode()]),
        ("entryUUID", [object_id.encode()]),
        ("createTimestamp", [timestamp(created)]),
        ("modifyTimestamp", [timestamp(updated)]),
        ("entryDN", [dn.encode()]),
        ("subschemaSubentry", [_SUBSCHEMA]),
    )
