"""Which object a record belongs to, and which object may have which login name. Pure: the door looks things up, this decides.

A record that has a link keeps it; one of what is written here (source `local`) names its object itself. One that has none gets
an object of its own, unless its login name is taken: then it is disputed, and a person decides by renaming or removing one of
the two (law 10). Rules that find an object for a new record (same mail address, same employee number) come before `create`, in
the order in which they are configured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.model.objects import Attributes, Kind
from gateway.model.source import LOCAL
from gateway.store.keys import KEY_CHARACTERS
from gateway.sync import authority

DECIDED_BY_CREATION = "rule:create"
"""`Link.decided_by` of a record whose object was made for it."""

DECIDED_BY_ADDITION = "rule:addition"
"""`Link.decided_by` of a record that only adds to an object which other sources have: it goes when the last of theirs goes."""

MAX_NAME_CHARACTERS = KEY_CHARACTERS


@dataclass(frozen=True, slots=True)
class Claim:
    """An object wants the login name with this key; `held` is the key it has now, None for an object still to be made."""

    object_id: str
    key: str
    held: str | None


def losers(claims: Sequence[Claim], holders: Mapping[str, str]) -> dict[str, str]:
    """Whose claims fail, each with the object that has the name instead. `holders` has who holds each claimed name now.

    All claims are seen at once, so that names may go round. Who has a name and wants to keep it wins; then the earlier claim.
    Who does not get a new name keeps the old one, and thereby may keep it from others.
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
    """Whether a record makes no object but adds to one: attributes that no source tells, or only a name to point at. Its
    external id says to which."""
    return source_id == LOCAL and not authority.name_of(kind, attributes)


def unmatched_reason(kind: Kind, name: str, dn: str) -> str:
    """Why a record with this name cannot be an object; "" when it can."""
    where = dn or "this record"
    if not name:
        missing = "login name" if kind is Kind.USER else "name"
        return f"{where} has no {missing}: give it one at its source, or map the attribute that has it"
    if "\0" in name:
        return f"{where} has a name with a NUL character in it: correct it at its source"
    if len(name) > MAX_NAME_CHARACTERS:
        return f"{where} has a name of {len(name)} characters, and {MAX_NAME_CHARACTERS} is the limit: shorten it at its source"
    return ""


def disputed_reason(name: str, dn: str, owner: str) -> str:
    """Why a record did not get its login name; `owner` names who has it."""
    who = dn or "this record"
    return (
        f"{who} has the login name {name!r}, which belongs to {owner} already: "
        "rename or remove one of the two at its source; it is taken over by itself then"
    )
