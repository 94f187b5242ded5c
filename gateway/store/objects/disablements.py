"""Disablements: what keeps a user disabled whatever present records say: the source that they left while it had them disabled,
or an administrator. They are deleted with their user."""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, literal, select

from gateway.model.connector import LOCAL
from gateway.model.records import DECIDED_BY_PERSON
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.engine.column_codecs import milliseconds, time_of
from gateway.store.tables.disablements import disablements

DECIDED_BY_LEAVING: Final = "rule:left"
"""`Disablement.decided_by` when the source that had the user disabled has them no more."""


class Disablement(NamedTuple):
    """`source_id`: the source that the user left; `local` for a person's decision. `decided_by`: "rule:left" or
    "person:<who>"; `reason`: the person's words, or ""."""

    user_id: str
    source_id: str
    decided_by: str
    reason: str
    since: datetime

    @property
    def is_by_person(self) -> bool:
        """True when a person decided it: then only a person ends it."""
        return self.source_id == LOCAL


_ANY = select(literal(1)).select_from(disablements).limit(1)
_OF_USERS = (
    select(disablements)
    .where(any_of(disablements.c.user_id, "users"))
    .order_by(disablements.c.user_id, disablements.c.since, disablements.c.source_id)
)
_ALL = select(disablements).order_by(disablements.c.since, disablements.c.user_id, disablements.c.source_id)
_FORGET = delete(disablements).where(any_of(disablements.c.user_id, "users"))


def left(user_id: str, source_id: str, now: datetime) -> Disablement:
    """Return the disablement of a user who has left the source that had them disabled."""
    return Disablement(user_id, source_id, DECIDED_BY_LEAVING, "", now)


def by_person(user_id: str, by: str, reason: str, now: datetime) -> Disablement:
    """Return the disablement that an administrator has decided."""
    return Disablement(user_id, LOCAL, f"{DECIDED_BY_PERSON}{by}", reason, now)


def of_users(connection: Connection, user_ids: Collection[str]) -> list[Disablement]:
    """Return the disablements of these users, for each the earliest first."""
    if not user_ids or connection.execute(_ANY).first() is None:  # nearly always there is none
        return []
    return [_disablement(*row) for row in connection.execute(_OF_USERS, {"users": user_ids})]


def every(connection: Connection) -> list[Disablement]:
    """Return all disablements, the earliest first."""
    return [_disablement(*row) for row in connection.execute(_ALL)]


# ---- writing: for gateway/sync, under the lock of the change log


def add(connection: Connection, new: Collection[Disablement]) -> None:
    """Store disablements; one that the user has already by the same source, or by a person, goes."""
    remove(connection, new)
    bulk.insert(connection, disablements, [(*one[:4], milliseconds(one.since)) for one in new])


def remove(connection: Connection, ended: Collection[Disablement]) -> None:
    """Remove the disablements of these users by these sources."""
    bulk.delete(connection, disablements, ("user_id", "source_id"), [one[:2] for one in ended])


def hand_over(connection: Connection, old_user_id: str, new_user_id: str) -> None:
    """Give another user the disablements of this one; one by the same source stays as that user has it."""
    moved = [(new_user_id, *one[1:4], milliseconds(one.since)) for one in of_users(connection, (old_user_id,))]
    bulk.insert(connection, disablements, moved, ignore_known=True)
    connection.execute(_FORGET, {"users": (old_user_id,)})


def _disablement(user_id: str, source_id: str, decided_by: str, reason: str, since: int) -> Disablement:
    return Disablement(user_id, source_id, decided_by, reason, time_of(since))
