"""Correlation: the object of a record, and the holder of a login name. Pure: sync/correlation looks up, this decides.

A record that has a link keeps it; a local one (source `local`) names its object itself. For one that has none, an
administrator's decision counts first, then the rules of its source in their order, then those of the other sources. No object
found: it gets one of its own, if it may. More than one found, or one that another record of its source has, or a login name
that is taken: it is disputed, and an administrator decides (law 10)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from gateway.model.connector import LOCAL
from gateway.model.objects import Attributes, Kind, Value
from gateway.store.engine.normalized_keys import KEY_CHARACTERS
from gateway.sync.rules import authority

MAX_NAME_CHARACTERS = KEY_CHARACTERS
DESCRIBED = 3
"""The number of candidates that a sentence names, of several."""


class Reaction(StrEnum):
    """The reaction to a situation of a record, or to the end of an object's last one."""

    LINK = "link"
    CREATE = "create"
    QUEUE = "queue"
    """Shown to an administrator."""
    RECHECK = "recheck"
    """As QUEUE, but decided by the rules as soon as those find one object."""
    IGNORE = "ignore"
    """Kept as a record, and reported as no problem."""
    DISABLE = "disable"
    DELETE = "delete"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Rule:
    """A way to find the object of a record: that has, under the name `left`, one of the values that `right` gives for the
    record's attributes (its external id among them). `text` is the rule as it was written."""

    left: str
    right: Callable[[Attributes], tuple[Value, ...]]
    text: str

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes that the rule names, on both sides."""
        return (self.left, *getattr(self.right, "names", ()))

    @property
    def decided_by(self) -> str:
        """`Link.decided_by` of a record for which the rule has found its object."""
        return f"rule:{self.left}"


@dataclass(frozen=True, slots=True)
class KindRules:
    """The rules by which records of one kind of one source find their objects, in order, and the reactions. `several`: also an
    object that another record of the source has. `deleted`: what becomes of objects whose last record is gone; None: what fits
    their kind. `rejoins_by_username`: a new record with the login name of one of the source's leavers is the leaver's; else
    only a record with its external id is, and what a rule finds."""

    rules: tuple[Rule, ...] = ()
    unlinked: Reaction = Reaction.LINK
    unmatched: Reaction = Reaction.CREATE
    disputed: Reaction = Reaction.QUEUE
    several: bool = False
    deleted: Reaction | None = None
    rejoins_by_username: bool = False

    @property
    def fingerprint(self) -> str:
        """Return a text that changes with everything that decides what becomes of a record; "" for the defaults."""
        if replace(self, deleted=None, rejoins_by_username=False) == KindRules():
            return ""
        reactions = ",".join((self.unlinked, self.unmatched, self.disputed))
        return f"{[rule.text for rule in self.rules]}{reactions},{self.several}"


Correlation: TypeAlias = Mapping[Kind, KindRules]
NO_RULES = KindRules()


@dataclass(frozen=True, slots=True)
class Claim:
    """An object claims the login name with this key; `held` is the key that it has now, None for an object still to be made."""

    object_id: str
    key: str
    held: str | None


def losers(claims: Sequence[Claim], holders: Mapping[str, str]) -> dict[str, str]:
    """Return the objects whose claims fail, each with the one that has the name instead. `holders`: the object that holds each
    claimed name now.

    All claims are decided together, so that objects may exchange names. The object that has a name now and still claims it
    wins; then the earlier claim. A loser keeps its old name; if another object has claimed that one, it loses too.
    """
    wanted = {claim.object_id: claim.key for claim in claims}
    staying: dict[str, str] = {}  # the names that losers keep
    while True:
        owners = {key: holder for key, holder in holders.items() if wanted.get(holder, key) == key} | staying
        lost: dict[str, str] = {}
        for claim in claims:
            owner = owners.setdefault(claim.key, claim.object_id)
            if owner != claim.object_id:
                lost[claim.object_id] = owner
        kept = {claim.held: claim.object_id for claim in claims if claim.object_id in lost and claim.held is not None}
        if kept == staying:
            return lost
        staying = kept


def is_addition(source_id: str, kind: Kind, attributes: Attributes) -> bool:
    """Return whether a record makes no object but adds to one: attributes that no source reports, or only a name to refer to.
    Its external id says to which."""
    return source_id == LOCAL and not authority.name_of(kind, attributes)


def unmatched_reason(kind: Kind, name: str, dn: str) -> str:
    """Return the reason why a record with this name cannot be an object; "" when it can."""
    if not name:
        missing = "login name" if kind is Kind.USER else "name"
        return f"{dn or 'this record'} has no {missing}: give it one at its source, or map the attribute that has it"
    return flaw(name, dn)


def flaw(name: str, dn: str) -> str:
    """Return the reason why no object can have this name; "" when one can, or there is no name."""
    where = dn or "this record"
    if "\0" in name:
        return f"{where} has a name with a NUL character in it: correct it at its source"
    if len(name) > MAX_NAME_CHARACTERS:
        return f"{where} has a name of {len(name)} characters, and {MAX_NAME_CHARACTERS} is the limit: shorten it at its source"
    return ""


def several_reason(dn: str, by: str, candidates: Sequence[str]) -> str:
    """Return the reason for a dispute: several objects were found."""
    return (
        f"{dn or 'this record'} may belong to {_listed(candidates)}, by {by}: "
        "say to which with `gateway links link`, or give it an object of its own with `gateway links split`"
    )


def occupied_reason(dn: str, by: str, candidate: str) -> str:
    """Return the reason for a dispute: another record of the source has the object."""
    return (
        f"{dn or 'this record'} belongs by {by} to {candidate}, which another record of the same source has already: "
        "correct one of the two at its source, or decide with `gateway links link` or `gateway links split`"
    )


def unlinked_reason(dn: str, by: str, candidate: str) -> str:
    """Return the reason why a record waits although its object was found."""
    return f"{dn or 'this record'} belongs by {by} to {candidate}: link it with `gateway links link`"


def uncreated_reason(dn: str) -> str:
    """Return the reason why a record waits for which no object was found."""
    return (
        f"{dn or 'this record'} belongs to nothing that is here, and its source is not to create: link it with "
        "`gateway links link`, or give it an object of its own with `gateway links split`"
    )


def _listed(candidates: Sequence[str]) -> str:
    named = " or ".join(candidates[:DESCRIBED])
    return named if len(candidates) <= DESCRIBED else f"{named} or {len(candidates) - DESCRIBED} others"


def disputed_reason(name: str, dn: str, owner: str) -> str:
    """Return the reason for a dispute over a login name; `owner` names the user that has it."""
    who = dn or "this record"
    return (
        f"{who} has the login name {name!r}, which belongs to {owner} already: "
        "rename or remove one of the two at its source; it is taken over by itself then"
    )
