"""POSIX numbers: those that were allocated here, never twice (their rows outlive the objects), and those that objects have from
any source. Two spaces: user numbers, and group numbers, which users have too (their primary group)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, union_all, update

from gateway.model.objects import Kind
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.engine.sql_types import Query
from gateway.store.tables.objects import groups, posix_numbers, users


class Space(StrEnum):
    """A space within which numbers are distinct."""

    UID = "uid"
    GID = "gid"


class SharedNumber(NamedTuple):
    """A number that several objects have, and their names (some of them, when they are many)."""

    space: Space
    number: int
    names: tuple[str, ...]


_USED: Mapping[Space, tuple[tuple[ColumnElement[int], ColumnElement[str]], ...]] = {
    Space.UID: ((users.c.uid_number, users.c.id),),
    Space.GID: ((groups.c.gid_number, groups.c.id), (users.c.gid_number, users.c.id)),
}
"""The columns in which numbers of a space are in use, each beside the id of its user."""

_OF_SPACE = posix_numbers.c.space == bindparam("space")
_LAST = select(func.max(posix_numbers.c.number)).where(
    _OF_SPACE, posix_numbers.c.number.between(bindparam("first"), bindparam("last"))
)
_COUNT = select(func.count()).where(_OF_SPACE, posix_numbers.c.number.between(bindparam("first"), bindparam("last")))
_ALLOCATED = select(posix_numbers.c.object_id, posix_numbers.c.number).where(
    _OF_SPACE, any_of(posix_numbers.c.object_id, "ids")
)


def _between(number: ColumnElement[int]) -> ColumnElement[bool]:
    return number.between(bindparam("first"), bindparam("last"))


_TAKEN = {
    space: union_all(
        select(posix_numbers.c.number).where(_OF_SPACE, _between(posix_numbers.c.number)),
        *(select(number).where(_between(number)) for number, _ in used),
    )
    for space, used in _USED.items()
}
_HOLDERS = {
    space: union_all(
        select(posix_numbers.c.number, posix_numbers.c.object_id).where(
            _OF_SPACE, any_of(posix_numbers.c.number, "numbers", numbers=True)
        ),
        *(select(number, user).where(any_of(number, "numbers", numbers=True)) for number, user in used),
    )
    for space, used in _USED.items()
}
_WITHOUT_NUMBERS: Mapping[Kind, Query] = {
    Kind.USER: select(users.c.id).where(users.c.uid_number.is_(None) | users.c.gid_number.is_(None)).order_by(users.c.id),
    Kind.GROUP: select(groups.c.id).where(groups.c.gid_number.is_(None)).order_by(groups.c.id),
}


def allocated(connection: Connection, space: Space, object_ids: Collection[str]) -> dict[str, int]:
    """Return the numbers that were allocated to these objects here, by object id."""
    if not object_ids:
        return {}
    return dict(connection.execute(_ALLOCATED, {"space": space.value, "ids": object_ids}).all())


def last_allocated(connection: Connection, space: Space, first: int, last: int) -> int | None:
    """Return the highest number from `first` to `last` that was ever allocated here, or None."""
    return connection.execute(_LAST, {"space": space.value, "first": first, "last": last}).scalar()


def count_allocated(connection: Connection, space: Space, first: int, last: int) -> int:
    """Return the count of numbers from `first` to `last` that were ever allocated here."""
    return int(connection.execute(_COUNT, {"space": space.value, "first": first, "last": last}).scalar_one())


def taken(connection: Connection, space: Space, first: int, last: int) -> set[int]:
    """Return the numbers from `first` to `last` that were ever allocated here, or that any object has."""
    parameters = {"space": space.value, "first": first, "last": last}
    return set(connection.execute(_TAKEN[space], parameters).scalars())


def holders(connection: Connection, space: Space, numbers: Collection[int]) -> dict[int, set[str]]:
    """Return the ids of the objects that have these numbers or were allocated them here, by number; free ones are left out."""
    found: dict[int, set[str]] = {}
    if numbers:
        for number, object_id in connection.execute(_HOLDERS[space], {"space": space.value, "numbers": numbers}):
            found.setdefault(number, set()).add(object_id)
    return found


def ids_without_numbers(connection: Connection, kind: Kind, after_id: str, limit: int) -> list[str]:
    """Return the ids of at most `limit` users without both numbers, or groups without theirs, whose ids follow `after_id` (""
    to begin)."""
    statement = _WITHOUT_NUMBERS[kind]
    [identifier] = statement.selected_columns
    return list(connection.execute(statement.where(identifier > after_id).limit(limit)).scalars())


_PRIVATE = users.c.gid_number == users.c.uid_number


def _repeated(number: ColumnElement[int], name: ColumnElement[str]) -> Query:
    return (
        select(number, func.min(name), func.max(name))
        .where(number.is_not(None))
        .group_by(number)
        .having(func.count() > 1)
        .order_by(number)
    )


_SHARED: tuple[tuple[Space, Query], ...] = (
    (Space.UID, _repeated(users.c.uid_number, users.c.username)),
    (Space.GID, _repeated(groups.c.gid_number, groups.c.name)),
    (
        Space.GID,
        select(users.c.gid_number, users.c.username, groups.c.name)
        .join(groups, groups.c.gid_number == users.c.gid_number)
        .where(_PRIVATE)
        .order_by(users.c.gid_number),
    ),
)
"""User numbers of several users, group numbers of several groups, private groups of users that are a group's too."""


def shared(connection: Connection, limit: int) -> list[SharedNumber]:
    """Return at most `limit` numbers of each sort that several objects have: they have access to each other's files."""
    return [
        SharedNumber(space, number, tuple(dict.fromkeys(names)))
        for space, statement in _SHARED
        for number, *names in connection.execute(statement.limit(limit))
    ]


# ---- writing: for gateway/sync, under the lock of the change log


def store_allocated(connection: Connection, space: Space, numbers: Iterable[tuple[str, int]]) -> None:
    """Store that these `(object id, number)` are allocated, for ever."""
    rows: Sequence[tuple[str, int, str]] = [(space.value, number, object_id) for object_id, number in numbers]
    bulk.insert(connection, posix_numbers, rows)


def hand_over(connection: Connection, old_object_id: str, new_object_id: str) -> None:
    """Move the numbers allocated to one object to another, unless that one was allocated its own."""
    for space in Space:
        if not allocated(connection, space, (new_object_id,)):
            of_old = (posix_numbers.c.space == space.value, posix_numbers.c.object_id == old_object_id)
            connection.execute(update(posix_numbers).where(*of_old).values(object_id=new_object_id))
