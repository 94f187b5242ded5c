"""POSIX numbers for users and groups to which no source gives any: given once, kept for ever. Runs inside the door's
transaction; a number that a source says goes over one that was given here, which stays reserved underneath.

A private group is the user's alone and has the user's own number, so user numbers are looked for that are free as both.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, TypeAlias

from gateway.model.objects import Kind, Value, first_text
from gateway.store.engine.database import Connection
from gateway.store.engine.normalized_keys import posix_number
from gateway.store.objects import posix_numbers
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.store.objects.posix_numbers import Space
from gateway.store.operations import backfill_markers
from gateway.store.operations.backfill_markers import Marker
from gateway.sync.rules.object_attributes import name_of
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import NumberedAttributes, Resolution

UID, GID = "uid_number", "gid_number"

WINDOW = 4_096
"""Numbers looked at together for free ones: more than a batch needs, so that one look is mostly enough."""

EXAMPLES = 5
"""Numbers that several have: so many of a batch are reported; `gateway status` has them all."""


class Range(NamedTuple):
    """From `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


DEFAULT_RANGE = Range(10_000, 59_999)
"""Above the numbers that distributions give by themselves to accounts that are only known on one machine."""


@dataclass(frozen=True, slots=True)
class PosixNumbers:
    """`[posix]`. `primary_gid`: the primary group of all users; None: each has a private one. Without `allocate`, numbers that
    were given stay and no new ones are given."""

    uids: Range = DEFAULT_RANGE
    gids: Range = DEFAULT_RANGE
    primary_gid: int | None = None
    allocate: bool = True

    @property
    def fingerprint(self) -> str:
        """Return a text that changes with the numbers that can be given."""
        return f"{self.uids}; {self.gids}; {self.primary_gid}"


Objects: TypeAlias = Mapping[str, dict[str, tuple[Value, ...]]]
"""The attributes of objects by id, as they are going to be."""


def number(transaction: SourceTransaction, settings: PosixNumbers | None, resolution: Resolution) -> NumberedAttributes:
    """Return the attributes of the objects with the POSIX numbers of users and groups added. `settings` None: none are given
    beside those that were given before."""
    attributes = {object_id: dict(named) for object_id, named in resolution.attributes.items()}
    user_attributes = {one: named for one, named in attributes.items() if resolution.kinds[one] is Kind.USER}
    group_attributes = {one: named for one, named in attributes.items() if resolution.kinds[one] is Kind.GROUP}
    if not user_attributes and not group_attributes:
        return NumberedAttributes(attributes)
    reported = {UID: _numbers_by_object(user_attributes, UID), GID: _numbers_by_object(group_attributes, GID)}
    problems = complete(transaction.connection, settings, user_attributes, group_attributes, new=resolution.created)
    problems += _shared(transaction.connection, resolution, reported[UID], Kind.USER)
    problems += _shared(transaction.connection, resolution, reported[GID], Kind.GROUP)
    if any(UID not in one for one in user_attributes.values()) or any(GID not in one for one in group_attributes.values()):
        backfill_markers.clear(transaction.connection, Marker.POSIX_NUMBERS)
    return NumberedAttributes(attributes, tuple(problems))


def complete(
    connection: Connection,
    settings: PosixNumbers | None,
    user_attributes: Objects,
    group_attributes: Objects,
    *,
    new: Collection[str] = (),
) -> list[str]:
    """Add the numbers that are missing, and note which were given; return sentences about those that could not be given. `new`:
    the objects that have never been stored, and so cannot have been given anything."""
    reported_gids = {*_numbers(user_attributes, GID), *_numbers(group_attributes, GID)}
    allocation = _Allocation(connection, settings, reported_gids, new)
    allocation.number_users(user_attributes)
    allocation.number_primary_groups(user_attributes)
    allocation.number_groups(group_attributes)
    return allocation.problems


class _Allocation:
    """The allocation of one transaction. `reported_gids`: group numbers that sources say in it, stored or not yet."""

    def __init__(
        self, connection: Connection, settings: PosixNumbers | None, reported_gids: set[int], new: Collection[str]
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._reported_gids = reported_gids
        self._new = new
        self.problems: list[str] = []

    @property
    def _allocates(self) -> bool:
        return self._settings is not None and self._settings.allocate

    def number_users(self, user_attributes: Objects) -> None:
        """Give user numbers, each free as a group number too where it is going to be one."""
        missing = self._missing(user_attributes, UID, Space.UID)
        if not missing or self._settings is None or not self._allocates:
            return
        said = _numbers(user_attributes, UID)
        if self._settings.primary_gid is None:
            free = self._free_numbers(self._settings.uids, {Space.UID: said, Space.GID: self._reported_gids})
        else:
            free = self._free_numbers(self._settings.uids, {Space.UID: said})
        self._allocate(missing, user_attributes, UID, Space.UID, free, f"[posix] uid_range ({self._settings.uids})")

    def number_primary_groups(self, user_attributes: Objects) -> None:
        """Give primary groups to users that have a user number."""
        settings = self._settings
        numbered = {key: attributes for key, attributes in user_attributes.items() if attributes.get(UID)}
        missing = self._missing(numbered, GID, Space.GID)
        if settings is None or not missing:
            return
        if settings.primary_gid is not None:
            _set(user_attributes, dict.fromkeys(missing, settings.primary_gid), GID)
        elif settings.allocate:
            self._give_private_groups(missing, user_attributes)

    def _give_private_groups(self, missing: list[str], user_attributes: Objects) -> None:
        own = {key: uid for key in missing if (uid := posix_number(first_text(user_attributes[key], UID))) is not None}
        holders = posix_numbers.holders(self._connection, Space.GID, set(own.values()))
        given: dict[int, str] = {}
        for key, uid in own.items():
            if uid not in self._reported_gids and holders.get(uid, set()) <= {key}:
                given.setdefault(uid, key)
        self._record(Space.GID, {key: uid for uid, key in given.items()}, user_attributes, GID)
        left = [key for key in missing if GID not in user_attributes[key]]
        if left and self._settings is not None:
            free = self._free_numbers(self._settings.gids, {Space.GID: self._reported_gids})
            self._allocate(left, user_attributes, GID, Space.GID, free, f"[posix] gid_range ({self._settings.gids})")

    def number_groups(self, group_attributes: Objects) -> None:
        """Give group numbers."""
        missing = self._missing(group_attributes, GID, Space.GID)
        if missing and self._settings is not None and self._allocates:
            free = self._free_numbers(self._settings.gids, {Space.GID: self._reported_gids})
            self._allocate(missing, group_attributes, GID, Space.GID, free, f"[posix] gid_range ({self._settings.gids})")

    def _missing(self, objects: Objects, name: str, space: Space) -> list[str]:
        """Return the objects that still have no number when all have back those that they were given before."""
        missing = [key for key, attributes in objects.items() if not attributes.get(name)]
        _set(objects, posix_numbers.allocated(self._connection, space, [key for key in missing if key not in self._new]), name)
        return [key for key in missing if name not in objects[key]]

    def _free_numbers(self, numbers: Range, said: Mapping[Space, set[int]]) -> Iterator[int]:
        """Yield numbers that are free in all these spaces, rising: from behind the last one given, then from the beginning."""
        last = max((posix_numbers.last_allocated(self._connection, space, *numbers) or 0 for space in said), default=0)
        start = max(last + 1, numbers.first)
        for first, end in ((start, numbers.last), (numbers.first, start - 1)):
            for low in range(first, end + 1, WINDOW):
                high = min(end, low + WINDOW - 1)
                taken = set().union(*said.values())
                for space in said:
                    taken |= posix_numbers.taken(self._connection, space, low, high)
                yield from (one for one in range(low, high + 1) if one not in taken)

    def _allocate(self, missing: list[str], objects: Objects, name: str, space: Space, free: Iterator[int], where: str) -> None:
        given = dict(zip(missing, islice(free, len(missing)), strict=False))
        self._record(space, given, objects, name)
        if len(given) < len(missing):
            left = len(missing) - len(given)
            self.problems.append(
                f"{where} is used up, and {left} without a number {'is' if left == 1 else 'are'} left: "
                "numbers are never given twice, so make the range larger and start again"
            )

    def _record(self, space: Space, given: Mapping[str, int], objects: Objects, name: str) -> None:
        posix_numbers.store_allocated(self._connection, space, given.items())
        _set(objects, given, name)


def _set(objects: Objects, numbers: Mapping[str, int], name: str) -> None:
    for key, one in numbers.items():
        objects[key][name] = (str(one),)


def _numbers_by_object(objects: Objects, name: str) -> dict[str, int]:
    """Return the numbers that sources give, by object."""
    found = {key: posix_number(first_text(attributes, name)) for key, attributes in objects.items()}
    return {key: one for key, one in found.items() if one is not None}


def _numbers(objects: Objects, name: str) -> set[int]:
    return set(_numbers_by_object(objects, name).values())


def _shared(connection: Connection, resolution: Resolution, reported: Mapping[str, int], kind: Kind) -> list[str]:
    """Return sentences about numbers that come from sources and that another user (or group) has already: it is theirs to put
    right."""
    fresh = {key: one for key, one in reported.items() if not _had(resolution, key, one)}
    if not fresh:
        return []
    space, name = (Space.UID, UID) if kind is Kind.USER else (Space.GID, GID)
    used = posix_numbers.holders(connection, space, set(fresh.values()))
    unresolved = {key for keys in used.values() for key in keys if key not in resolution.attributes}
    having: dict[int, dict[str, str]] = {}
    for other in OBJECT_STORES[kind].get_many(connection, unresolved).values():
        having.setdefault(posix_number(other.first(name)) or -1, {})[other.id] = name_of(other)
    for key, one in reported.items():
        having.setdefault(one, {})[key] = first_text(resolution.attributes[key], "username" if kind is Kind.USER else "name")
    shared = {one: sorted(having[one].values()) for key, one in fresh.items() if len(having[one]) > 1}
    return [
        f"{name.replace('_', ' ')} {one} is that of {' and '.join(names[:3])}: they can reach each other's files; "
        "give all but one of them another number at the source"
        for one, names in islice(shared.items(), EXAMPLES)
    ]


def _had(resolution: Resolution, object_id: str, one: int) -> bool:
    """Return whether a user is known to have had the number before. Of groups that is not known here: they are few."""
    current = resolution.users.get(object_id)
    return current is not None and posix_number(current.first(UID)) == one
