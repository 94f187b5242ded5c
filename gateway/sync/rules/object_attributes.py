"""The attributes of a directory object with those that are fields of it. Pure."""

from gateway.model.attributes import referring
from gateway.model.objects import Attributes, DirectoryObject, User
from gateway.sync.rules.authority import ENABLED


def name_of(thing: DirectoryObject) -> str:
    """Return the name by which an object differs from others of its kind."""
    return thing.username if isinstance(thing, User) else thing.name


def all_attributes(thing: DirectoryObject) -> Attributes:
    """Return an object's attributes with its name and, of a user, whether it is enabled, without what refers to others."""
    plain = {name: values for name, values in thing.attributes.items() if referring(name) is None}
    if not isinstance(thing, User):
        return {**plain, "name": (thing.name,)}
    enabled = "true" if thing.enabled else "false"
    return {**plain, "username": (thing.username,), ENABLED: (enabled,)}


def referenced(thing: DirectoryObject) -> Attributes:
    """Return the attributes of an object that refer to others (`reference_to`)."""
    return {name: values for name, values in thing.attributes.items() if referring(name) is not None}
