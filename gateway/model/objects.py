"""The directory's objects: User, Organization, Group, Membership. Values only.

An object's `attributes` map our attribute names (attributes.py) to tuples of values: `str` for text, `bytes` for the
attributes whose syntax is binary. A missing name has no value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = str | bytes
Attributes: TypeAlias = Mapping[str, tuple[Value, ...]]


class Kind(StrEnum):
    """The three kinds of objects, in the order in which a source is read: parents and members before what refers to them."""

    ORGANIZATION = "organization"
    USER = "user"
    GROUP = "group"


ROOT_ORGANIZATION_ID = "00000000-0000-4000-8000-000000000001"
"""The one organization that has no parent: it exists from the first migration on and is never deleted."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The first source of an object: the triple by which the Developer API links (`userSourceType`, `userSourceId`,
    `userExternalId`). For an object mastered here: ("build_in", instance id, external id given by the caller or "")."""

    source_type: str
    source_id: str
    external_id: str


@dataclass(frozen=True, slots=True)
class User:
    """A person (or a service) that can be found and can bind. `id` is the entryUUID and the API's userId, for ever (law 11)."""

    id: str
    username: str
    origin: Origin
    created_at: datetime
    updated_at: datetime
    enabled: bool = True
    attributes: Attributes = field(default_factory=dict)
    organization_ids: tuple[str, ...] = (ROOT_ORGANIZATION_ID,)
    """The user's organizations; the first one is the primary organization; never empty."""
    gone_at: datetime | None = None
    """The time since when no source has the person: a leaver is disabled, and deleted after the grace period. None: no
    leaver."""

    def first(self, name: str) -> str:
        """Return the first value of a text attribute, or ""."""
        return first_text(self.attributes, name)


@dataclass(frozen=True, slots=True)
class Organization:
    """A node of the organization tree. Only the root has `parent_id` None."""

    id: str
    name: str
    parent_id: str | None
    origin: Origin
    created_at: datetime
    updated_at: datetime
    attributes: Attributes = field(default_factory=dict)

    def first(self, name: str) -> str:
        """Return the first value of a text attribute, or ""."""
        return first_text(self.attributes, name)


@dataclass(frozen=True, slots=True)
class Group:
    """A group. Its members are `Membership`s, kept apart because there may be very many."""

    id: str
    name: str
    origin: Origin
    created_at: datetime
    updated_at: datetime
    attributes: Attributes = field(default_factory=dict)

    def first(self, name: str) -> str:
        """Return the first value of a text attribute, or ""."""
        return first_text(self.attributes, name)


DirectoryObject: TypeAlias = User | Organization | Group


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group: a user, or a group (nesting; cycles may occur and are legal)."""

    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class Membership:
    """The statement of one source that `member` is in group `group_id`; several sources may make the same one."""

    group_id: str
    member: Member
    source_type: str
    source_id: str


def first_text(attributes: Attributes, name: str) -> str:
    """Return the first value of the text attribute `name`, or "" when it has none or is binary."""
    values = attributes.get(name)
    return values[0] if values and isinstance(values[0], str) else ""
