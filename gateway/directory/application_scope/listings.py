"""The lists that an application may page through: what follows an id, how many there are, a page by number.

A list is in the order of its items' ids, so that what comes and goes between two pages makes no other item be skipped or shown
twice. Organizations below a parent are the exception: few, and read by name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.directory.application_scope.readable_attributes import GROUPS, MEMBERS, ORGANIZATIONS
from gateway.directory.application_scope.scoped_directory import ScopedDirectory
from gateway.model.objects import Group, Kind, Membership, Organization, User
from gateway.store.engine.database import Connection
from gateway.store.objects import groups, memberships, organizations, passwords, scoped_queries, users

WALK = 1_000
"""Items passed over in one query on the way to a page by number."""

_MEMBERSHIPS_AT_ONCE = 500

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list in the order of its items' ids.

    `follow(after, limit)` gives what follows an id ("" to begin). `skip(offset, limit)` gives a page by number where the store
    can; None: it is walked to.
    """

    follow: Callable[[str, int], list[T]]
    total: Callable[[], int]
    id_of: Callable[[T], str]
    skip: Callable[[int, int], list[T]] | None = None

    def page(self, offset: int, limit: int) -> list[T]:
        """Return a page by number."""
        if self.skip is not None:
            return self.skip(offset, limit)
        after = ""
        while offset > 0:
            passed = self.follow(after, min(WALK, offset))
            if not passed:
                return []
            after = self.id_of(passed[-1])
            offset -= len(passed)
        return self.follow(after, limit)


@dataclass(frozen=True, slots=True)
class ListedUser:
    """A user as lists show it. `password_set`: True when there is a local password."""

    user: User
    password_set: bool


def list_users(directory: ScopedDirectory, organization_id: str | None) -> Listing[ListedUser]:
    """List the users directly in an organization; None: every user in scope. Raises NotGranted; NotFound for the
    organization."""
    if organization_id:
        directory.require(ORGANIZATIONS)
    within = frozenset({directory.organization(organization_id).id}) if organization_id else directory.organization_ids
    connection = directory.connection
    return Listing(
        follow=lambda after, limit: _listed(connection, scoped_queries.users_in(connection, within, after, limit)),
        total=lambda: users.page(connection, within, 0, 0)[1],
        skip=lambda offset, limit: _listed(connection, users.page(connection, within, offset, limit)[0]),
        id_of=lambda listed: listed.user.id,
    )


def _listed(connection: Connection, found: list[User]) -> list[ListedUser]:
    having = passwords.set_among(connection, [user.id for user in found])
    return [ListedUser(user, user.id in having) for user in found]


def list_groups_of_user(directory: ScopedDirectory, user: User) -> Listing[Membership]:
    """List the user's direct memberships in groups that are in scope. Raises NotGranted."""
    directory.require(GROUPS)
    found = [one for one in _memberships(directory.connection, user.id) if directory.has_group(one.group_id)]
    return Listing(
        follow=lambda after, limit: [membership for membership in found if membership.group_id > after][:limit],
        total=lambda: len(found),
        id_of=lambda membership: membership.group_id,
    )


def _memberships(connection: Connection, user_id: str) -> Iterator[Membership]:
    """Yield all of them: a user is in tens of groups, seldom in hundreds."""
    after = ""
    while batch := memberships.groups_of(connection, user_id, after, _MEMBERSHIPS_AT_ONCE):
        yield from batch
        after = batch[-1].group_id


def list_groups(directory: ScopedDirectory, name_prefix: str) -> Listing[Group]:
    """List the groups in scope whose names start with `name_prefix`, in any case; "": all of them."""
    connection, within = directory.connection, directory.scope.group_ids
    return Listing(
        follow=lambda after, limit: groups.page(connection, name_prefix, within, after, limit),
        total=lambda: groups.count(connection, name_prefix, within),
        id_of=lambda group: group.id,
    )


def list_users_of_group(directory: ScopedDirectory, group: Group) -> Listing[str]:
    """List the ids of the users in scope that are direct members of the group. Raises NotGranted."""
    directory.require(MEMBERS)
    connection, within = directory.connection, directory.organization_ids

    def total() -> int:
        if within is None:
            return memberships.count_members(connection, group.id, Kind.USER)
        return scoped_queries.count_group_users(connection, group.id, within)

    return Listing(
        follow=lambda after, limit: scoped_queries.group_users(connection, group.id, within, after, limit),
        total=total,
        id_of=lambda user_id: user_id,
    )


def organizations_below(
    directory: ScopedDirectory, parent_id: str | None, offset: int, limit: int
) -> tuple[list[Organization], int]:
    """Return the direct children of an organization, by name, and how many there are; None: the tops of the scope.

    Raises NotFound for the parent.
    """
    if parent_id:
        return organizations.children(directory.connection, directory.organization(parent_id).id, offset, limit)
    tops = directory.top_organizations()
    return tops[offset : offset + limit], len(tops)
