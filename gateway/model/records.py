"""Record, Reference, Link, Situation: the statement of one source about one object, and its link to a directory object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.model.objects import Attributes, Kind

DECIDED_BY_ADDITION: Final = "rule:addition"
"""`Link.decided_by` of a record that only adds to an object which other sources have: it goes when the last of theirs goes."""

DECIDED_BY_CREATION: Final = "rule:create"
"""`Link.decided_by` of a record whose object was made for it."""

DECIDED_BY_RETURN: Final = "rule:return"
"""`Link.decided_by` of a record that has taken the place of a leaver's."""

DECIDED_BY_RULE: Final = "rule:"
"""The prefix of `Link.decided_by` when a rule decided."""

DECIDED_BY_PERSON: Final = "person:"
"""The prefix of `Link.decided_by` when a person decided."""


class ReferenceForm(StrEnum):
    """The way in which a source refers to another of its records."""

    DN = "dn"
    """The distinguished name; the value is `gateway.model.ldap.dn.DN.key` of it (normalised, root first)."""
    ID = "id"
    """The external id."""
    LOGIN = "login"
    """The login name (memberUid); the value is lower case."""


class Reference(NamedTuple):
    """A reference from one record of a source to another record of the same source; it may dangle for a while."""

    form: ReferenceForm
    value: str


class Situation(StrEnum):
    """The state of a record in correlation (midPoint's words)."""

    LINKED = "linked"
    UNLINKED = "unlinked"
    """An object was found for it, but its source's settings, or a person, forbid an automatic link."""
    UNMATCHED = "unmatched"
    """No object was found for it, and it cannot become one as it is (no user name, …) or is not to; `Record.reason` says why
    and what to do."""
    DISPUTED = "disputed"
    """More than one object, or an object that another record of the same source already has: a person must decide (law 10)."""
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Record:
    """The last report of one source about one object, in our attribute names."""

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
    """The time since when it is a leaver's record; None when it is not."""
    object_id: str | None = None
    decided_by: str = ""
    """The author of the link, as in `Link`; for a record that is not linked, the rule that found the candidates."""
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
    """A user's linked record, as authentication needs it: the source to bind at, the DN to bind with, and the author of the
    link, as in `Link`."""

    source_id: str
    external_id: str
    dn: str
    decided_by: str
