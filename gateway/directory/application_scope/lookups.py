"""Lookups of one object by something other than its id; each sees only what is in scope."""

from collections.abc import Collection

from gateway.directory.application_scope.scoped_directory import ScopedDirectory
from gateway.model.errors import Conflict, NotFound
from gateway.model.objects import Origin
from gateway.store.objects import organizations, scoped_queries, users


def user_id_by_username(directory: ScopedDirectory, username: str) -> str:
    """Return the id of the user with this name, in any case. Raises NotFound."""
    return _only(directory, _some(users.id_by_username(directory.connection, username)), "user name")


def user_id_by_email(directory: ScopedDirectory, email: str) -> str:
    """Return the id of the user with this mail address, in any case. Raises NotGranted, NotFound, Conflict."""
    directory.require("email")
    return _only(directory, scoped_queries.ids_by_email(directory.connection, email), "mail address")


def user_id_by_phone_number(directory: ScopedDirectory, number: str) -> str:
    """Return the id of the user with this telephone number; only the digits count. Raises NotGranted, NotFound,
    Conflict."""
    directory.require("phone_number")
    return _only(directory, scoped_queries.ids_by_phone_number(directory.connection, number), "telephone number")


def user_id_by_origin(directory: ScopedDirectory, origin: Origin) -> str:
    """Return the id of the user that came from there. Raises NotFound."""
    return _only(directory, _some(users.id_by_origin(directory.connection, origin)), "external id")


def organization_id_by_origin(directory: ScopedDirectory, origin: Origin) -> str:
    """Return the id of the organization that came from there. Raises NotFound."""
    organization_id = organizations.id_by_origin(directory.connection, origin)
    if organization_id is None or not directory.has_organization(organization_id):
        raise NotFound("There is no organizational unit with this external id.")
    return organization_id


def _some(user_id: str | None) -> tuple[str, ...]:
    return () if user_id is None else (user_id,)


def _only(directory: ScopedDirectory, user_ids: Collection[str], noun: str) -> str:
    """Return the one user among these that is in scope."""
    found = users.get_many(directory.connection, user_ids)
    seen = [user.id for user in found.values() if directory.has_any(user.organization_ids)]
    if not seen:
        raise NotFound(f"There is no user with this {noun}.")
    if len(seen) > 1:
        raise Conflict(f"Several users have this {noun}; look the user up by name or external id.")
    return seen[0]
