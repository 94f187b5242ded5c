"""What one application may see, and nothing else: handlers reach the directory only through this (narrow before you search).

Whatever lies outside answers NotFound in the words of what does not exist."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gateway.frontends.developer.records.json_records import GroupRecord, Projector, UnitRecord, UserDetail
from gateway.frontends.developer.records.readable_attributes import readable_by
from gateway.model.applications import Application
from gateway.model.errors import NotFound
from gateway.model.objects import ROOT_ORGANIZATION_ID, Group, Kind, Member, Organization, User
from gateway.store.engine.database import Connection
from gateway.store.objects import groups, memberships, organizations, passwords, users


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an application of an instance, with a valid token."""

    instance_id: str
    application: Application


class Visible:
    """The directory as `caller` sees it, on one connection (one unchanging state of the store).

    `organization_ids`: the scope as an earlier look found it, when several looks must agree on it.
    """

    def __init__(self, connection: Connection, caller: Caller, organization_ids: frozenset[str] | None = None) -> None:
        self.connection = connection
        self.caller = caller
        self.scope = caller.application.scope
        self.project = Projector(caller.instance_id, readable_by(caller.application))
        self.all_organizations = ROOT_ORGANIZATION_ID in self.scope.organization_ids
        self._organization_ids = organization_ids
        self._known: dict[str, bool] = {}

    @property
    def organization_ids(self) -> frozenset[str] | None:
        """Every organization in scope; None when that is all there are."""
        if self.all_organizations:
            return None
        if self._organization_ids is None:
            self._organization_ids = organizations.subtree(self.connection, self.scope.organization_ids)
        return self._organization_ids

    def has_organization(self, organization_id: str) -> bool:
        """Whether this organization is in scope. One walk upwards unless the whole scope is known already."""
        if self.all_organizations:
            return True
        if self._organization_ids is not None:
            return organization_id in self._organization_ids
        if organization_id not in self._known:
            above = {organization_id, *organizations.ancestors(self.connection, organization_id)}
            self._known[organization_id] = not above.isdisjoint(self.scope.organization_ids)
        return self._known[organization_id]

    def has_any(self, organization_ids: Iterable[str]) -> bool:
        """Whether any of these is in scope: who belongs to them is then visible."""
        return self.all_organizations or any(map(self.has_organization, organization_ids))

    def has_group(self, group_id: str) -> bool:
        """Whether this group, if it exists, is in scope."""
        return self.scope.group_ids is None or group_id in self.scope.group_ids

    def user(self, user_id: str) -> User:
        """The user. Raises NotFound."""
        user = users.get(self.connection, user_id)
        if user is None or not self.has_any(user.organization_ids):
            raise NotFound(f"There is no user {user_id}.")
        return user

    def organization(self, organization_id: str) -> Organization:
        """The organization. Raises NotFound."""
        organization = organizations.get(self.connection, organization_id)
        if organization is None or not self.has_organization(organization_id):
            raise NotFound(f"There is no organizational unit {organization_id}.")
        return organization

    def group(self, group_id: str) -> Group:
        """The group. Raises NotFound."""
        group = groups.get(self.connection, group_id) if self.has_group(group_id) else None
        if group is None:
            raise NotFound(f"There is no group {group_id}.")
        return group

    def top_organizations(self) -> list[Organization]:
        """Where the tree begins for this caller: the organizations in scope that have none of it above them, by name."""
        found = organizations.get_many(self.connection, self.scope.organization_ids)
        tops = [o for o in found.values() if o.parent_id is None or not self.has_organization(o.parent_id)]
        return sorted(tops, key=lambda organization: (organization.name.casefold(), organization.id))

    def unit_record(self, organization: Organization) -> UnitRecord:
        """An organization's record."""
        parent = organization.parent_id
        return self.project.unit(organization, with_parent=parent is not None and self.has_organization(parent))

    def group_record(self, group: Group) -> GroupRecord:
        """A group's record."""
        return self.project.group(group)

    def members(self, found: Collection[Member]) -> list[Member]:
        """Those of the members that are in scope, in the given order."""
        if self.all_organizations and self.scope.group_ids is None:
            return list(found)
        people = users.get_many(self.connection, [member.id for member in found if member.kind is Kind.USER])
        seen = {user.id for user in people.values() if self.has_any(user.organization_ids)}
        return [member for member in found if (member.id in seen if member.kind is Kind.USER else self.has_group(member.id))]

    def user_details(self, found: Collection[User]) -> list[UserDetail]:
        """The users' records with where they belong, in a few queries for all of them."""
        group_ids = {
            user_id: [group_id for group_id in ids if self.has_group(group_id)]
            for user_id, ids in memberships.group_ids_of(self.connection, [user.id for user in found]).items()
        }
        their_groups = groups.get_many(self.connection, {group_id for ids in group_ids.values() for group_id in ids})
        places = {organization_id for user in found for organization_id in user.organization_ids}
        with_password = passwords.set_among(self.connection, [user.id for user in found])
        units = organizations.get_many(self.connection, {place for place in places if self.has_organization(place)})
        return [
            self.project.user_detail(
                user,
                [units[place] for place in user.organization_ids if place in units],
                [their_groups[group_id] for group_id in sorted(group_ids.get(user.id, ())) if group_id in their_groups],
                password_set=user.id in with_password,
            )
            for user in found
        ]
