"""Access: the entries and attributes of a view that a party may see. Narrowing comes before searching: a ViewSearcher is made
of an Access and searches through it.

Values and pure tests; the organizations of a scope are resolved against the view by
directory/search/shared/visibility_cache.py."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.directory.projection.entry_kinds import CONTAINER, PRIVATE_GROUP, private_group_owner
from gateway.directory.projection.index_keys import attribute_key
from gateway.model.applications import Application, Scope
from gateway.model.ldap import schema
from gateway.model.objects import Kind

IN_EVERY_ENTRY = frozenset({"objectclass", "structuralobjectclass", "entryuuid", "entrydn", "createtimestamp"}) | {
    "modifytimestamp",
    "hassubordinates",
    "subschemasubentry",
    "entrycsn",
}
"""The attributes that every entry has; `(objectClass=*)` and its like need no lookup."""

ALWAYS_READABLE = IN_EVERY_ENTRY | {
    "contextcsn",
    "usncreated",
    "usnchanged",
    "isdeleted",
    "isrecycled",
    "canonicalname",
}
"""The attributes that a party may read of every visible entry: its identity, its kind, and when it changed."""


def may_read(attribute: str, readable: frozenset[str] | None) -> bool:
    """Return whether an attribute (its key) is among the `readable` ones; None means all."""
    return readable is None or attribute in readable or attribute in ALWAYS_READABLE


def readable_type(description: str, readable: frozenset[str] | None) -> str | None:
    """Return the key of an attribute type that may be asked about: it is in the schema, has no options that no entry has, and
    may be read; else None, and an assertion about it is Undefined."""
    base, _, options = description.partition(";")
    known = schema.ATTRIBUTE_TYPES.get(base.lower())
    if known is None or options.lower() not in ("", "binary"):
        return None
    return known.key if may_read(known.key, readable) else None


@dataclass(frozen=True, slots=True)
class Access:
    """The access of a bound party: a scope of the directory (None: no part of it), or `only` these objects, or both: these, as
    far as they are in the scope; of them the `attributes` (keys; None: all). `own`: with a person among them, the groups and
    organizations that the person is in, too. The containers of a view are visible to every party that is granted the view."""

    scope: Scope | None = None
    only: frozenset[str] = frozenset()
    attributes: frozenset[str] | None = None
    own: bool = False

    @property
    def is_everything(self) -> bool:
        """True when every entry of the view is visible, so that nothing has to be tested or cut out of values."""
        return self.scope is not None and self.scope.is_everything and not self.only

    def within(self, other: "Access") -> "Access":
        """Return what both accesses show: that of a party for which another one acts. One of them has all of the directory, or
        just some objects, as its scope."""
        if self.is_nothing or other.is_nothing:
            return Access()
        narrower = other.scope if self.scope is None or self.scope.is_everything else self.scope
        known = [readable for readable in (self.attributes, other.attributes) if readable is not None]
        readable = frozenset.intersection(*known) if known else None
        return Access(narrower, self.only or other.only, readable, self.own or other.own)

    @property
    def is_nothing(self) -> bool:
        """True when no object is visible."""
        return self.scope is None and not self.only


def granted_attributes(application: Application) -> frozenset[str] | None:
    """Return the keys of the attribute types that an application may read, on every face; None: all."""
    granted = application.attributes
    return None if granted is None else frozenset(map(attribute_key, granted))


def of_application(application: Application) -> Access:
    """Return an application's access: its scope, and of it the attributes that it is granted."""
    return Access(application.scope, attributes=granted_attributes(application))


class UserAccess(StrEnum):
    """The part of a view that a person sees who is bound."""

    NONE = "none"
    SELF = "self"
    """The own entry."""
    OWN = "own"
    """The own entry, and the groups and organizations that the person is in, without their other members."""
    ALL = "all"
    """Every entry, as slapd shows it by default."""


DEFAULT_USER_ACCESS: Final = UserAccess.OWN
"""Programs that bind as the person look for the person's groups: nothing is shown by it that memberOf of the own entry does not
tell, and nothing of other people."""


def of_user(user_id: str, sees: UserAccess = UserAccess.SELF) -> Access:
    """Return a person's access."""
    if sees is UserAccess.ALL:
        return Access(Scope())
    return Access() if sees is UserAccess.NONE else Access(only=frozenset({user_id}), own=sees is UserAccess.OWN)


@dataclass(frozen=True, slots=True)
class Visibility:
    """An Access resolved against one state of a view: `organizations` are entry ids, with everything below them; None means
    that users and organizations are not narrowed. `groups` are object ids; None means every group. `only`: of all those just
    these objects, and the people's private groups."""

    organizations: frozenset[int] | None
    groups: frozenset[str] | None
    only: frozenset[str] | None

    def shows(self, entry_id: int, kind: str, object_id: str, organizations: str) -> bool:
        """Return whether the entry is visible. `organizations` as the view file keeps them."""
        if kind == CONTAINER:
            return True
        if self.only is not None and (private_group_owner(object_id) if kind == PRIVATE_GROUP else object_id) not in self.only:
            return False
        if kind == Kind.GROUP:
            return self.names_group(object_id)
        if self.organizations is None:
            return True
        if kind == Kind.ORGANIZATION:
            return entry_id in self.organizations
        return any(int(number) in self.organizations for number in organizations.split(",") if number)

    def names_group(self, object_id: str) -> bool:
        """Return whether the group may be named as one that a visible entry is in: a person may know of all the own groups,
        also of those whose entries are not visible."""
        return self.groups is None or object_id in self.groups
