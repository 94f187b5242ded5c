"""Passwords of users as argon2id hashes: local ones, and verifiers of passwords that a source accepted.

Both are deleted with their user. No clear password ever comes to the store."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, literal, select, update

from gateway.model.errors import NotFound
from gateway.store.engine.any_of import any_of
from gateway.store.engine.column_codecs import milliseconds, time_of
from gateway.store.engine.sql_types import SelectConnection
from gateway.store.tables.objects import users
from gateway.store.tables.passwords import local_passwords, password_verifiers

_LOCAL = select(local_passwords.c.hash).where(local_passwords.c.user_id == bindparam("user"))
_ANY_LOCAL = select(literal(1)).select_from(local_passwords).limit(1)
_SET_AMONG = select(local_passwords.c.user_id).where(any_of(local_passwords.c.user_id, "users"))
_LOCAL_AMONG = select(local_passwords).where(any_of(local_passwords.c.user_id, "users"))
_FORGET_LOCAL = delete(local_passwords).where(local_passwords.c.user_id == bindparam("user"))
_FORGET_LOCAL_OF = delete(local_passwords).where(any_of(local_passwords.c.user_id, "users"))
_ENABLED = select(users.c.enabled).where(users.c.id == bindparam("user"))
_OF_USER = password_verifiers.c.user_id == bindparam("user")
_OF_SOURCE = password_verifiers.c.source_id == bindparam("source")
_VERIFIER = select(password_verifiers.c.hash, password_verifiers.c.verified_at).where(_OF_USER, _OF_SOURCE)
_FORGET_VERIFIER = delete(password_verifiers).where(_OF_USER, _OF_SOURCE)
_FORGET_VERIFIERS = delete(password_verifiers).where(any_of(password_verifiers.c.user_id, "users"))
_FORGET_VERIFIERS_OF = _FORGET_VERIFIERS.where(_OF_SOURCE)


@dataclass(frozen=True, slots=True)
class Verifier:
    """`verified_at`: when the source last accepted the password that `hash` is of."""

    hash: str = field(repr=False)
    verified_at: datetime


@dataclass(frozen=True, slots=True)
class LocalPassword:
    """A password that is kept here. `set_at`: when it was set."""

    hash: str = field(repr=False)
    set_at: datetime


def local_hash(connection: Connection, user_id: str) -> str | None:
    """Return the hash of the user's local password, or None."""
    found: str | None = connection.execute(_LOCAL, {"user": user_id}).scalar()
    return found


def local_passwords_of(connection: Connection, user_ids: Collection[str]) -> dict[str, LocalPassword]:
    """Return several users' local passwords; a user without one is left out."""
    rows = connection.execute(_LOCAL_AMONG, {"users": user_ids})
    return {row.user_id: LocalPassword(row.hash, time_of(row.set_at)) for row in rows}


def any_local(connection: SelectConnection) -> bool:
    """Return True when any user has a local password."""
    return connection.execute(_ANY_LOCAL).first() is not None


def set_among(connection: Connection, user_ids: Collection[str]) -> frozenset[str]:
    """Return the ids of those of the users who have a local password."""
    return frozenset(connection.execute(_SET_AMONG, {"users": user_ids}).scalars())


def set_local(connection: Connection, user_id: str, password_hash: str, *, by: str, now: datetime) -> None:
    """Set the user's local password. `by`: the actor, for an audit. Raises NotFound."""
    if connection.execute(_ENABLED, {"user": user_id}).first() is None:
        raise NotFound(f"there is no user {user_id!r}")
    clear_local(connection, user_id)
    row = {"user_id": user_id, "hash": password_hash, "set_at": milliseconds(now), "set_by": by}
    connection.execute(insert(local_passwords), row)


def clear_local(connection: Connection, user_id: str) -> bool:
    """Delete the user's local password; return True when there was one."""
    return connection.execute(_FORGET_LOCAL, {"user": user_id}).rowcount > 0


def clear_local_of(connection: Connection, user_ids: Collection[str]) -> None:
    """Delete the local passwords of these users."""
    if user_ids:
        connection.execute(_FORGET_LOCAL_OF, {"users": user_ids})


def verifier(connection: SelectConnection, user_id: str, source_id: str) -> Verifier | None:
    """Return the verifier of the password that the source accepted last, or None."""
    row = connection.execute(_VERIFIER, {"user": user_id, "source": source_id}).one_or_none()
    return None if row is None else Verifier(row.hash, time_of(row.verified_at))


def keep_verifier(connection: Connection, user_id: str, source_id: str, password_hash: str, now: datetime) -> None:
    """Store a verifier in the place of an older one. Nothing is stored for a user who is gone or may not log in."""
    forget_verifier(connection, user_id, source_id)
    if not connection.execute(_ENABLED, {"user": user_id}).scalar():
        return
    row = {"user_id": user_id, "source_id": source_id, "hash": password_hash, "verified_at": milliseconds(now)}
    connection.execute(insert(password_verifiers), row)


def forget_verifier(connection: Connection, user_id: str, source_id: str) -> None:
    """Delete the verifier of the password that the source accepted last."""
    connection.execute(_FORGET_VERIFIER, {"user": user_id, "source": source_id})


def forget_verifiers(connection: Connection, user_ids: Collection[str]) -> None:
    """Delete all verifiers of users who may not log in any more, or whose password has changed."""
    if user_ids:
        connection.execute(_FORGET_VERIFIERS, {"users": user_ids})


def forget_verifiers_of(connection: Connection, user_ids: Collection[str], source_id: str) -> None:
    """Delete the verifiers of users' passwords at a source that has the users no more."""
    if user_ids:
        connection.execute(_FORGET_VERIFIERS_OF, {"users": user_ids, "source": source_id})


def hand_over(connection: Connection, old_user_id: str, new_user_id: str) -> None:
    """Move the local password of one user to another, unless that one has one."""
    if local_hash(connection, new_user_id) is None:
        statement = update(local_passwords).where(local_passwords.c.user_id == bindparam("old"))
        connection.execute(statement.values(user_id=bindparam("new")), {"old": old_user_id, "new": new_user_id})
