"""POSIX numbers: those that were given out here, which are never given again (their rows outlive the objects), and those that
objects have, whoever gave them. Two spaces: user numbers, and group numbers, which people have too (their primary group)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, union_all, update

from gateway.model.objects import Kind
from gateway.store.engine import bulk
from gateway.store.engine.any_of import one_of
from gateway.store.engine.sql_types import Query
from gateway.store.tables.objects import groups, posix_numbers, users


class Space(StrEnum):
    """In which numbers are distinct."""

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
"""The columns in which numbers of a space are in use, each beside who uses it."""

_OF_SPACE = posix_numbers.c.space == bindparam("space")
_LAST = select(func.max(posix_numbers.c.number)).where(
    _OF_SPACE, posix_numbers.c.number.between(bindparam("first"), bindparam("last"))
)
_COUNT = select(func.count()).where(_OF_SPACE, posix_numbers.c.number.between(bindparam("first"), bindparam("last")))
_ALLOCATED = select(posix_numbers.c.object_id, posix_numbers.c.number).where(
    _OF_SPACE, one_of(posix_numbers.c.object_id, "ids")
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
            _OF_SPACE, one_of(posix_numbers.c.number, "numbers", numbers=True)
        ),
        *(select(number, user).where(one_of(number, "numbers", numbers=True)) for number, user in used),
    )
    for space, used in _USED.items()
}
_WITHOUT_NUMBERS: Mapping[Kind, Query] = {
    Kind.USER: select(users.c.id).where(users.c.uid_number.is_(None) | users.c.gid_number.is_(None)).order_by(users.c.id),
    Kind.GROUP: select(groups.c.id).where(groups.c.gid_number.is_(None)).order_by(groups.c.id),
}


def allocated(connection: Connection, space: Space, object_ids: Collection[str]) -> dict[str, int]:
    """The numbers that were given to these objects here, by object."""
    if not object_ids:
        return {}
    return dict(connection.execute(_ALLOCATED, {"space": space.value, "ids": object_ids}).all())


def last_allocated(connection: Connection, space: Space, first: int, last: int) -> int | None:
    """The highest number from `first` to `last` that was ever given here."""
    return connection.execute(_LAST, {"space": space.value, "first": first, "last": last}).scalar()


def count_allocated(connection: Connection, space: Space, first: int, last: int) -> int:
    """How many numbers from `first` to `last` were ever given here."""
    return int(connection.execute(_COUNT, {"space": space.value, "first": first, "last": last}).scalar_one())


def taken(connection: Connection, space: Space, first: int, last: int) -> set[int]:
    """The numbers from `first` to `last` that were ever given here, or that anybody has."""
    parameters = {"space": space.value, "first": first, "last": last}
    return set(connection.execute(_TAKEN[space], parameters).scalars())


def holders(connection: Connection, space: Space, numbers: Collection[int]) -> dict[int, set[str]]:
    """Who has these numbers or was given them here, by number; those of nobody are left out."""
    found: dict[int, set[str]] = {}
    if numbers:
        for number, object_id in connection.execute(_HOLDERS[space], {"space": space.value, "numbers": numbers}):
            found.setdefault(number, set()).add(object_id)
    return found


def ids_without_numbers(connection: Connection, kind: Kind, after_id: str, limit: int) -> list[str]:
    """At most `limit` users without both numbers, or groups without theirs, whose ids follow `after_id` ("" to begin)."""
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
    """At most `limit` numbers of each sort that several have: they have access to each other's files."""
    return [
        SharedNumber(space, number, tuple(dict.fromkeys(names)))
        for space, statement in _SHARED
        for number, *names in connection.execute(statement.limit(limit))
    ]


# ---- writing: for gateway/sync, under the lock of the log


def store_allocated(connection: Connection, space: Space, numbers: Iterable[tuple[str, int]]) -> None:
    """Note that these `(object id, number)` are given: for ever."""
    rows: Sequence[tuple[str, int, str]] = [(space.value, number, object_id) for object_id, number in numbers]
    bulk.insert(connection, posix_numbers, rows)


def hand_over(connection: Connection, old_object_id: str, new_object_id: str) -> None:
    """The numbers given to one object become those of another, where that one was given none."""
    for space in Space:
        if not allocated(connection, space, (new_object_id,)):
            of_old = (posix_numbers.c.space == space.value, posix_numbers.c.object_id == old_object_id)
            connection.execute(update(posix_numbers).where(*of_old).values(object_id=new_object_id))
