"""Names that people type for organizations, groups, users and applications, and the names that they are shown: paths, names,
ids."""

from __future__ import annotations

from gateway.model import organization_path as paths
from gateway.model.applications import Application
from gateway.model.errors import Conflict, NotFound
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind, User
from gateway.store.clients import applications
from gateway.store.engine.database import Connection
from gateway.store.objects import groups, organizations, users


def organization_id(connection: Connection, text: str) -> str:
    """Return the id of an organization given by id, or by the path of names below the root (model/organization_path.py; "/" is
    the root). Raises NotFound or Conflict."""
    if organizations.get(connection, text) is not None:
        return text
    current = ROOT_ORGANIZATION_ID
    names = paths.parse(text)
    for depth, name in enumerate(names):
        found = organizations.same_name(connection, current, name)
        if not found:
            whole = paths.SEPARATOR.join(names[depth:])  # one name with a slash in it, written as it is
            meant = paths.format((*names[:depth], whole))
            cure = f"; did you mean {meant}?" if organizations.same_name(connection, current, whole) else ""
            raise NotFound(f"there is no organization {text!r}: nothing named {name!r} at that place{cure}")
        if len(found) > 1:
            raise Conflict(f"{len(found)} organizations are named {text!r}; give the id of one of them: {', '.join(found)}")
        current = found[0]
    return current


def organization_path(connection: Connection, identifier: str) -> str:
    """Return the path of names, or the id when the organization does not exist any more."""
    if identifier == ROOT_ORGANIZATION_ID:
        return paths.SEPARATOR
    above = [one for one in organizations.ancestors(connection, identifier) if one != ROOT_ORGANIZATION_ID]
    found = organizations.get_many(connection, [identifier, *above])
    if identifier not in found:
        return f"{identifier} (gone)"
    return paths.format([found[one].name for one in [*reversed(above), identifier] if one in found])


def group_id(connection: Connection, text: str) -> str:
    """Return the id of a group given by id or by name. Raises NotFound or Conflict."""
    if groups.get(connection, text) is not None:
        return text
    found = groups.same_name(connection, text)
    if not found:
        raise NotFound(f"there is no group {text!r}")
    if len(found) > 1:
        raise Conflict(f"{len(found)} groups are named {text!r}; give the id of one of them: {', '.join(found)}")
    return found[0]


def group_name(connection: Connection, identifier: str) -> str:
    """Return the name, or the id when the group does not exist any more."""
    group = groups.get(connection, identifier)
    return group.name if group is not None else f"{identifier} (gone)"


def user(connection: Connection, text: str) -> User:
    """Return the user of this login name or id. Raises NotFound."""
    found = users.get(connection, users.id_by_username(connection, text) or text)
    if found is None:
        raise NotFound(f"there is no user {text!r}")
    return found


def object_id(connection: Connection, kind: Kind, text: str) -> str:
    """Return the id of the object of the kind. Raises NotFound or Conflict."""
    if kind is Kind.USER:
        return user(connection, text).id
    return group_id(connection, text) if kind is Kind.GROUP else organization_id(connection, text)


def application(connection: Connection, text: str) -> Application:
    """Return the application of this name or id. Raises NotFound."""
    found = applications.by_name(connection, text) or applications.get(connection, text)
    if found is None:
        raise NotFound(f"there is no application {text!r}: `gateway application list` shows them")
    return found
