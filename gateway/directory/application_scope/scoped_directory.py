"""The directory as one application may see it, on one connection: a face reaches the objects only through this (narrow before
you search).

Whatever lies outside the scope answers NotFound in the words of what does not exist."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from gateway.directory.application_scope.readable_attributes import GROUPS, MEMBERS, ORGANIZATIONS, readable_by, require
from gateway.model.applications import Application
from gateway.model.attributes import referring
from gateway.model.errors import NotFound
from gateway.model.objects import ROOT_ORGANIZATION_ID, Group, Kind, Member, Organization, User
from gateway.store.engine.database import Connection
from gateway.store.objects import groups, memberships, organizations, passwords, users


@dataclass(frozen=True, slots=True)
class ScopedOrganization:
    """An organization in scope. `parent_id`: None at the top of the scope, whatever is above it."""

    organization: Organization
    parent_id: str | None


@dataclass(frozen=True, slots=True)
class ScopedUser:
    """A user in scope with the organizations (in the user's order) and groups (by id) that are in scope, too; None for those
    that the application may not read. What the user's attributes refer to (a manager) are the ids of objects in scope."""

    user: User
    organizations: tuple[Organization, ...] | None
    groups: tuple[Group, ...] | None
    password_set: bool
    """True when the user has a local password."""


class ScopedDirectory:
    """The objects within the scope of `application`, on one connection (one unchanging state of the store).

    `organization_ids`: the scope as an earlier read resolved it, when several reads must agree on it.
    """

    def __init__(
        self, connection: Connection, application: Application, organization_ids: frozenset[str] | None = None
    ) -> None:
        self.connection = connection
        self.application = application
        self.scope = application.scope
        self.readable = readable_by(application)
        self.all_organizations = ROOT_ORGANIZATION_ID in self.scope.organization_ids
        self._organization_ids = organization_ids
        self._known: dict[str, bool] = {}

    # The scope --------------------------------------------------------------------------------------------------------

    @property
    def organization_ids(self) -> frozenset[str] | None:
        """Every organization in scope; None when that is all there are."""
        if self.all_organizations:
            return None
        if self._organization_ids is None:
            self._organization_ids = organizations.subtree(self.connection, self.scope.organization_ids)
        return self._organization_ids

    def has_organization(self, organization_id: str) -> bool:
        """Return True when this organization is in scope. One walk upwards unless the whole scope is resolved already."""
        if self.all_organizations:
            return True
        if self._organization_ids is not None:
            return organization_id in self._organization_ids
        if organization_id not in self._known:
            above = {organization_id, *organizations.ancestors(self.connection, organization_id)}
            self._known[organization_id] = not above.isdisjoint(self.scope.organization_ids)
        return self._known[organization_id]

    def has_any(self, organization_ids: Iterable[str]) -> bool:
        """Return True when any of these organizations is in scope: their users are then visible."""
        return self.all_organizations or any(map(self.has_organization, organization_ids))

    def has_group(self, group_id: str) -> bool:
        """Return True when this group, if it exists, is in scope."""
        return self.scope.group_ids is None or group_id in self.scope.group_ids

    # The attributes ---------------------------------------------------------------------------------------------------

    @property
    def shows_members(self) -> bool:
        """True when the application may know who is in a group."""
        return self.readable(MEMBERS)

    def require(self, name: str) -> None:
        """Raise NotGranted unless the application may read this attribute (our name, or one of readable_attributes)."""
        require(self.readable, name)

    # One object -------------------------------------------------------------------------------------------------------

    def user(self, user_id: str) -> User:
        """Return the user. Raises NotFound."""
        user = users.get(self.connection, user_id)
        if user is None or not self.has_any(user.organization_ids):
            raise NotFound(f"There is no user {user_id}.")
        return user

    def organization(self, organization_id: str) -> Organization:
        """Return the organization. Raises NotFound."""
        organization = organizations.get(self.connection, organization_id)
        if organization is None or not self.has_organization(organization_id):
            raise NotFound(f"There is no organizational unit {organization_id}.")
        return organization

    def group(self, group_id: str) -> Group:
        """Return the group. Raises NotFound."""
        group = groups.get(self.connection, group_id) if self.has_group(group_id) else None
        if group is None:
            raise NotFound(f"There is no group {group_id}.")
        return group

    # The tree and the memberships -------------------------------------------------------------------------------------

    def top_organizations(self) -> list[Organization]:
        """Return the organizations in scope that have none of it above them, by name: there the application's tree begins."""
        found = organizations.get_many(self.connection, self.scope.organization_ids)
        tops = [o for o in found.values() if o.parent_id is None or not self.has_organization(o.parent_id)]
        return sorted(tops, key=lambda organization: (organization.name.casefold(), organization.id))

    def ancestor_ids(self, organization_id: str) -> list[str]:
        """Return the organizations above this one, nearest first, as far as they are in scope."""
        return [above for above in organizations.ancestors(self.connection, organization_id) if self.has_organization(above)]

    def scoped_organization(self, organization: Organization) -> ScopedOrganization:
        """Return an organization with its parent, if that is in scope."""
        parent_id = organization.parent_id
        return ScopedOrganization(organization, parent_id if parent_id and self.has_organization(parent_id) else None)

    def members(self, found: Collection[Member]) -> list[Member]:
        """Return those of the members that are in scope, in the given order; none when the application may not read them."""
        if not self.shows_members:
            return []
        if self.all_organizations and self.scope.group_ids is None:
            return list(found)
        people = users.get_many(self.connection, [member.id for member in found if member.kind is Kind.USER])
        seen = {user.id for user in people.values() if self.has_any(user.organization_ids)}
        return [member for member in found if (member.id in seen if member.kind is Kind.USER else self.has_group(member.id))]

    def scoped_users(self, found: Collection[User]) -> list[ScopedUser]:
        """Return the users with what they belong to, in a few queries for all of them."""
        with_password = passwords.set_among(self.connection, [user.id for user in found])
        units = self._organizations_of(found) if self.readable(ORGANIZATIONS) else None
        their_groups = self._groups_of(found) if self.readable(GROUPS) else None
        targets = self._visible_targets(found)
        return [
            ScopedUser(
                _with_visible_targets(user, targets),
                None if units is None else units[user.id],
                None if their_groups is None else their_groups[user.id],
                user.id in with_password,
            )
            for user in found
        ]

    def _visible_targets(self, found: Collection[User]) -> frozenset[str]:
        """Return the objects in scope that attributes of these users refer to."""
        ids = {one for user in found for name in user.attributes if referring(name) for one in user.attributes[name]}
        wanted = [one for one in ids if isinstance(one, str)]
        if not wanted:
            return frozenset()
        people = users.get_many(self.connection, wanted).values()
        seen = {user.id for user in people if self.has_any(user.organization_ids)}
        seen |= {one for one in groups.get_many(self.connection, wanted) if self.has_group(one)}
        return frozenset(seen | {one for one in organizations.get_many(self.connection, wanted) if self.has_organization(one)})

    def _organizations_of(self, found: Collection[User]) -> dict[str, tuple[Organization, ...]]:
        places = {organization_id for user in found for organization_id in user.organization_ids}
        units = organizations.get_many(self.connection, {place for place in places if self.has_organization(place)})
        return {user.id: tuple(units[place] for place in user.organization_ids if place in units) for user in found}

    def _groups_of(self, found: Collection[User]) -> dict[str, tuple[Group, ...]]:
        ids = memberships.group_ids_of(self.connection, [user.id for user in found])
        visible = {one for group_ids in ids.values() for one in group_ids if self.has_group(one)}
        named = groups.get_many(self.connection, visible)
        return {user.id: tuple(named[one] for one in sorted(ids.get(user.id, ())) if one in named) for user in found}


def _with_visible_targets(user: User, visible: Collection[str]) -> User:
    """Return the user with the attributes that refer to objects under their own names, as far as those are visible."""
    attributes = {name: values for name, values in user.attributes.items() if referring(name) is None}
    if len(attributes) == len(user.attributes):
        return user
    for name, values in user.attributes.items():
        own_name = referring(name)
        if own_name is not None and (kept := tuple(one for one in values if one in visible)):
            attributes[own_name] = kept
    return replace(user, attributes=attributes)
