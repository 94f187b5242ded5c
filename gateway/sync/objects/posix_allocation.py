"""POSIX numbers for those whom no source gives any: given once, kept for ever, the same whoever asks. Runs inside the door's
transaction; what a source says goes over what was given here, which stays reserved underneath.

A private group is the user's alone and has the user's own number, so user numbers are looked for that are free as both.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, TypeAlias

from gateway.model.objects import Kind, Value, first_text
from gateway.store.engine.database import Connection
from gateway.store.engine.normalized_keys import posix_number
from gateway.store.objects import groups, posix_numbers, users
from gateway.store.objects.posix_numbers import Space
from gateway.sync.batch_state import Work

UID, GID = "uid_number", "gid_number"

WINDOW = 4_096
"""Numbers looked at together for free ones: more than a batch needs, so that one look is mostly enough."""

EXAMPLES = 5
"""Numbers that several have: so many of a batch are told; `gateway status` has them all."""


class Range(NamedTuple):
    """From `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


DEFAULT_RANGE = Range(10_000, 59_999)
"""Above what distributions give by themselves to people who are only known on one machine."""


@dataclass(frozen=True, slots=True)
class PosixNumbers:
    """`[posix]`. `primary_gid`: everybody's primary group; None: each has a private one. Without `allocate`, what was given
    stays and nothing new is given."""

    uids: Range = DEFAULT_RANGE
    gids: Range = DEFAULT_RANGE
    primary_gid: int | None = None
    allocate: bool = True

    @property
    def fingerprint(self) -> str:
        """Names what can be given."""
        return f"{self.uids}; {self.gids}; {self.primary_gid}"


Objects: TypeAlias = Mapping[str, dict[str, tuple[Value, ...]]]
"""The attributes of objects by id, as they are going to be."""


def number(work: Work, settings: PosixNumbers | None) -> None:
    """Add numbers to what `work.resolved` tells of users and groups."""
    kinds = {touched.row.object_id: touched.kind for touched in work.touched.values()} | work.to_place
    people = {key: attributes for key, attributes in work.resolved.items() if kinds.get(key) is Kind.USER}
    circles = {key: attributes for key, attributes in work.resolved.items() if kinds.get(key) is Kind.GROUP}
    if not people and not circles:
        return
    said = {UID: _said(people, UID), GID: _said(circles, GID)}
    work.problems += complete(work.connection, settings, people, circles, new=work.created)
    work.problems += _shared(work, said[UID], Kind.USER) + _shared(work, said[GID], Kind.GROUP)
    if any(UID not in one for one in people.values()) or any(GID not in one for one in circles.values()):
        posix_numbers.note_unfilled(work.connection)


def complete(
    connection: Connection, settings: PosixNumbers | None, people: Objects, circles: Objects, *, new: Collection[str] = ()
) -> list[str]:
    """Add the numbers that are missing, and note which were given; what could not be given, in sentences. `new`: the objects
    that have never been stored, and so cannot have been given anything."""
    numbering = _Numbering(connection, settings, {*_numbers(people, GID), *_numbers(circles, GID)}, new)
    numbering.number_users(people)
    numbering.number_primary_groups(people)
    numbering.number_groups(circles)
    return numbering.problems


class _Numbering:
    """One transaction's giving. `said_gids`: group numbers that sources say in it, stored or not yet."""

    def __init__(
        self, connection: Connection, settings: PosixNumbers | None, said_gids: set[int], new: Collection[str]
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._said_gids = said_gids
        self._new = new
        self.problems: list[str] = []

    @property
    def _gives(self) -> bool:
        return self._settings is not None and self._settings.allocate

    def number_users(self, people: Objects) -> None:
        """User numbers, each free as a group number too where it is going to be one."""
        missing = self._without(people, UID, Space.UID)
        if not missing or self._settings is None or not self._gives:
            return
        said = _numbers(people, UID)
        if self._settings.primary_gid is None:
            free = self._free(self._settings.uids, {Space.UID: said, Space.GID: self._said_gids})
        else:
            free = self._free(self._settings.uids, {Space.UID: said})
        self._give(missing, people, UID, Space.UID, free, f"[posix] uid_range ({self._settings.uids})")

    def number_primary_groups(self, people: Objects) -> None:
        """Primary groups for those who have a user number."""
        settings = self._settings
        numbered = {key: attributes for key, attributes in people.items() if attributes.get(UID)}
        missing = self._without(numbered, GID, Space.GID)
        if settings is None or not missing:
            return
        if settings.primary_gid is not None:
            _set(people, dict.fromkeys(missing, settings.primary_gid), GID)
        elif settings.allocate:
            self._give_private_groups(missing, people)

    def _give_private_groups(self, missing: list[str], people: Objects) -> None:
        own = {key: uid for key in missing if (uid := posix_number(first_text(people[key], UID))) is not None}
        holders = posix_numbers.holders(self._connection, Space.GID, set(own.values()))
        given: dict[int, str] = {}
        for key, uid in own.items():
            if uid not in self._said_gids and holders.get(uid, set()) <= {key}:
                given.setdefault(uid, key)
        self._note(Space.GID, {key: uid for uid, key in given.items()}, people, GID)
        left = [key for key in missing if GID not in people[key]]
        if left and self._settings is not None:
            free = self._free(self._settings.gids, {Space.GID: self._said_gids})
            self._give(left, people, GID, Space.GID, free, f"[posix] gid_range ({self._settings.gids})")

    def number_groups(self, circles: Objects) -> None:
        """Group numbers."""
        missing = self._without(circles, GID, Space.GID)
        if missing and self._settings is not None and self._gives:
            free = self._free(self._settings.gids, {Space.GID: self._said_gids})
            self._give(missing, circles, GID, Space.GID, free, f"[posix] gid_range ({self._settings.gids})")

    def _without(self, objects: Objects, name: str, space: Space) -> list[str]:
        """Who still has no number when all have back what they were given before."""
        missing = [key for key, attributes in objects.items() if not attributes.get(name)]
        _set(objects, posix_numbers.given(self._connection, space, [key for key in missing if key not in self._new]), name)
        return [key for key in missing if name not in objects[key]]

    def _free(self, numbers: Range, said: Mapping[Space, set[int]]) -> Iterator[int]:
        """Numbers that are free in all these spaces, rising: from behind the last one given, then from the beginning."""
        last = max((posix_numbers.last_given(self._connection, space, *numbers) or 0 for space in said), default=0)
        start = max(last + 1, numbers.first)
        for first, end in ((start, numbers.last), (numbers.first, start - 1)):
            for low in range(first, end + 1, WINDOW):
                high = min(end, low + WINDOW - 1)
                taken = set().union(*said.values())
                for space in said:
                    taken |= posix_numbers.taken(self._connection, space, low, high)
                yield from (one for one in range(low, high + 1) if one not in taken)

    def _give(self, missing: list[str], objects: Objects, name: str, space: Space, free: Iterator[int], where: str) -> None:
        given = dict(zip(missing, islice(free, len(missing)), strict=False))
        self._note(space, given, objects, name)
        if len(given) < len(missing):
            left = len(missing) - len(given)
            self.problems.append(
                f"{where} is used up, and {left} without a number {'is' if left == 1 else 'are'} left: "
                "numbers are never given twice, so make the range larger and start again"
            )

    def _note(self, space: Space, given: Mapping[str, int], objects: Objects, name: str) -> None:
        posix_numbers.give(self._connection, space, given.items())
        _set(objects, given, name)


def _set(objects: Objects, numbers: Mapping[str, int], name: str) -> None:
    for key, one in numbers.items():
        objects[key][name] = (str(one),)


def _said(objects: Objects, name: str) -> dict[str, int]:
    """The numbers that sources give, by object."""
    found = {key: posix_number(first_text(attributes, name)) for key, attributes in objects.items()}
    return {key: one for key, one in found.items() if one is not None}


def _numbers(objects: Objects, name: str) -> set[int]:
    return set(_said(objects, name).values())


def _shared(work: Work, said: Mapping[str, int], kind: Kind) -> list[str]:
    """Numbers that come from sources and that another user (or group) has already: it is theirs to put right."""
    fresh = {key: one for key, one in said.items() if not _had(work, key, one)}
    if not fresh:
        return []
    space, name = (Space.UID, UID) if kind is Kind.USER else (Space.GID, GID)
    used = posix_numbers.holders(work.connection, space, set(fresh.values()))
    noun = users if kind is Kind.USER else groups
    others = noun.get_many(work.connection, {key for keys in used.values() for key in keys if key not in work.resolved})
    having: dict[int, dict[str, str]] = {}
    for other in others.values():
        having.setdefault(posix_number(other.first(name)) or -1, {})[other.id] = _name(other)
    for key, one in said.items():
        having.setdefault(one, {})[key] = first_text(work.resolved[key], "username" if kind is Kind.USER else "name")
    told = {one: sorted(having[one].values()) for key, one in fresh.items() if len(having[one]) > 1}
    return [
        f"{name.replace('_', ' ')} {one} is that of {' and '.join(names[:3])}: they can reach each other's files; "
        "give all but one of them another number at the source"
        for one, names in islice(told.items(), EXAMPLES)
    ]


def _had(work: Work, object_id: str, one: int) -> bool:
    """Whether a user is known to have had the number before. Of groups that is not known here: they are few."""
    current = work.current_users.get(object_id)
    return current is not None and posix_number(current.first(UID)) == one


def _name(thing: object) -> str:
    return str(getattr(thing, "username", None) or getattr(thing, "name", ""))
