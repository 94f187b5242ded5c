"""The directory's objects: User, Organization, Group and who belongs where. Values only.

An object's `attributes` map our attribute names (attributes.py) to tuples of values: `str` for text, `bytes` for the
attributes whose syntax is binary. A name that is not in the map has no value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = str | bytes
Attributes: TypeAlias = Mapping[str, tuple[Value, ...]]


class Kind(StrEnum):
    """The three kinds of objects, in the order in which a source is best read."""

    ORGANIZATION = "organization"
    USER = "user"
    GROUP = "group"


ROOT_ORGANIZATION_ID = "00000000-0000-4000-8000-000000000001"
"""The one organization that has no parent: it exists from the first migration on and is never deleted."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an object came from first: the triple by which the Developer API links (`userSourceType`, `userSourceId`,
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
    """Where the user belongs; the first one is the primary organization; never empty."""
    gone_at: datetime | None = None
    """Since when no source has the person any more: a leaver is disabled, and deleted when the time of grace is over."""

    def first(self, name: str) -> str:
        """The first value of a text attribute, or ""."""
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
        """The first value of a text attribute, or ""."""
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
        """The first value of a text attribute, or ""."""
        return first_text(self.attributes, name)


DirectoryObject: TypeAlias = User | Organization | Group


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group: a user, or a group (nesting; cycles may occur and are legal)."""

    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class Membership:
    """One fact "`member` is in group `group_id`, says source `source_id`" (two sources may both say it)."""

    group_id: str
    member: Member
    source_type: str
    source_id: str


def first_text(attributes: Attributes, name: str) -> str:
    """The first value of text attribute `name`, or "" when it has none or is binary."""
    values = attributes.get(name)
    return values[0] if values and isinstance(values[0], str) else ""
