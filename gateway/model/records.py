"""What one source says about one object, and how it is tied to a directory object: Record, Reference, Link, Situation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.model.objects import Attributes, Kind

DECIDED_BY_ADDITION: Final = "rule:addition"
"""`Link.decided_by` of a record that only adds to an object which other sources have: it goes when the last of theirs goes."""

DECIDED_BY_PERSON: Final = "person:"
"""`Link.decided_by` begins with it when a person decided."""


class ReferenceForm(StrEnum):
    """How a source points at another of its records."""

    DN = "dn"
    """By distinguished name; the value is `gateway.model.ldap.dn.DN.key` of it (normalised, root first)."""
    ID = "id"
    """By external id."""
    LOGIN = "login"
    """By login name (memberUid); the value is lower case."""


class Reference(NamedTuple):
    """A pointer from one record of a source to another record of the same source; it may dangle for a while."""

    form: ReferenceForm
    value: str


class Situation(StrEnum):
    """Where a record stands (midPoint's words)."""

    LINKED = "linked"
    UNLINKED = "unlinked"
    """An object was found for it, but its source, or a person, says not to link by itself."""
    UNMATCHED = "unmatched"
    """No object was found for it, and it cannot become one as it is (no user name, …) or is not to; `Record.reason` says why
    and what to do."""
    DISPUTED = "disputed"
    """More than one object, or an object that another record of the same source already has: a person must decide (law 10)."""
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Record:
    """What one source last said about one object, in our attribute names."""

    source_id: str
    kind: Kind
    external_id: str
    dn: str
    """The name at the source as the source spells it (what a pass-through bind uses); "" where it has none."""
    attributes: Attributes
    situation: Situation
    reason: str = ""
    references: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)
    gone_at: datetime | None = None
    """Since when it is that of a leaver."""
    object_id: str | None = None
    decided_by: str = ""
    """Who linked it, as in `Link`; of one that is not linked, what found the candidates."""
    candidates: tuple[str, ...] = ()
    """The objects that it may belong to, when it is not linked."""


@dataclass(frozen=True, slots=True)
class Link:
    """A record tied to a directory object. `decided_by`: "rule:<name>" or "person:<who>"; a person's decision is kept."""

    source_id: str
    kind: Kind
    external_id: str
    object_id: str
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """A user's linked record, as authentication needs it: which source to ask, and by what name."""

    source_id: str
    external_id: str
    dn: str
