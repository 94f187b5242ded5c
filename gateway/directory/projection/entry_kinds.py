"""The kinds of entries beside those of objects: containers, which the view itself brings, and people's private groups. Pure."""

from uuid import UUID

from gateway.model.objects import ROOT_ORGANIZATION_ID, Group, Organization, User

CONTAINER = "container"
"""The kind of the entries that the view itself brings: its base and the units below it."""

PRIVATE_GROUP = "private_group"
"""The kind of the entries of people's private groups: visible to every party that sees the person."""

_PRIVATE = 0x7D1A_64C3_9E5B
"""The difference between the last octets of a person's id and of the private group's."""


def private_group(user: User) -> Group | None:
    """Return the private group of a person whose gidNumber is the uidNumber; None for any other: another gidNumber is that of
    a group which many have, and which is there by itself or not."""
    numbers = user.attributes.get("gid_number")
    if not numbers or numbers != user.attributes.get("uid_number"):
        return None
    attributes = {"gid_number": numbers}
    return Group(private_group_id(user.id), user.username, user.origin, user.created_at, user.updated_at, attributes)


def private_group_id(user_id: str) -> str:
    """Return the entryUUID of a person's private group: always the same, and unique."""
    return str(UUID(int=UUID(user_id).int ^ _PRIVATE))


def private_group_owner(group_id: str) -> str:
    """Return the id of the person whose private group this is."""
    return private_group_id(group_id)


def is_entry(organization: Organization) -> bool:
    """Return whether an organization has an entry of its own; the root organization is the view's container."""
    return organization.id != ROOT_ORGANIZATION_ID
