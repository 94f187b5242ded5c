"""Application passwords: second passwords of a user, each for one application, named and revocable. One is shown once, when it
is created, and carries its own id, because a client that binds as a user does not name its application."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gateway.model.applications import ApplicationPassword
from gateway.model.errors import Conflict, InvalidInput, NotFound
from gateway.store.engine.any_of import any_of
from gateway.store.engine.column_codecs import milliseconds, time_of
from gateway.store.engine.normalized_keys import name_key
from gateway.store.engine.sql_types import SelectConnection, TableRow
from gateway.store.tables.clients import application_passwords, applications
from gateway.store.tables.objects import users

PREFIX: Final = "gwap"
MAX_PER_USER = 100
"""No user has so many programs; a program that creates one at each start must not fill the store."""
MAX_NAME_CHARACTERS = 64

_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_ID_CHARACTERS = 8
_SECRET_BYTES = 24
_FORM = re.compile(rb"gwap_([a-z2-7]{8})_[A-Za-z0-9_-]{32}")

_JOINED = (
    select(application_passwords, applications.c.name.label("application_name"))
    .join(applications, applications.c.id == application_passwords.c.application_id)
    .order_by(application_passwords.c.created_at, application_passwords.c.id)
)
_OF_USER = _JOINED.where(application_passwords.c.user_id == bindparam("user"))
_VALID = (
    _OF_USER.join(users, users.c.id == application_passwords.c.user_id)
    .where(application_passwords.c.id == bindparam("id"))
    .where(applications.c.enabled, users.c.enabled)
)

_VALID_AMONG = (
    select(application_passwords.c.id)
    .join(applications, applications.c.id == application_passwords.c.application_id)
    .where(any_of(application_passwords.c.id, "ids"), applications.c.enabled)
)
_REMOVE_OF_USERS = delete(application_passwords).where(any_of(application_passwords.c.user_id, "users"))


def add(
    connection: Connection, user_id: str, application_id: str, name: str, *, now: datetime
) -> tuple[ApplicationPassword, str]:
    """Create an application password; return it and the password itself, which cannot be shown again. The user and the
    application must exist. Raises InvalidInput for a name that is none, Conflict when the name is taken or the user has too
    many."""
    if not name.strip() or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise InvalidInput(f"the name of an application password is 1 to {MAX_NAME_CHARACTERS} printable characters")
    known = of_user(connection, user_id)
    if len(known) >= MAX_PER_USER:
        raise Conflict(f"the user has {MAX_PER_USER} application passwords: revoke some first")
    if any(one.application_id == application_id and name_key(one.name) == name_key(name) for one in known):
        raise Conflict(f"the user has an application password {name!r} for this application: revoke it, or choose another name")
    identifier = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARACTERS))
    password = f"{PREFIX}_{identifier}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    row = {
        "id": identifier,
        "user_id": user_id,
        "application_id": application_id,
        "name": name,
        "name_key": name_key(name),
        "hash": _hash(password.encode()),
        "created_at": milliseconds(now),
    }
    connection.execute(insert(application_passwords), row)
    return next(one for one in of_user(connection, user_id) if one.id == identifier), password


def of_user(connection: SelectConnection, user_id: str) -> list[ApplicationPassword]:
    """Return the user's application passwords, oldest first."""
    return [_password(row) for row in connection.execute(_OF_USER, {"user": user_id})]


def valid_among(connection: Connection, password_ids: Collection[str]) -> frozenset[str]:
    """Return the ids of those of the application passwords that exist, their applications being enabled."""
    return frozenset(connection.execute(_VALID_AMONG, {"ids": password_ids}).scalars())


def remove(connection: Connection, user_id: str, password_id: str) -> ApplicationPassword:
    """Revoke an application password, at once. Raises NotFound."""
    found = next((one for one in of_user(connection, user_id) if one.id == password_id), None)
    if found is None:
        raise NotFound(f"the user has no application password {password_id!r}")
    connection.execute(delete(application_passwords).where(application_passwords.c.id == password_id))
    return found


def remove_of_users(connection: Connection, user_ids: Collection[str]) -> None:
    """Revoke all application passwords of these users."""
    if user_ids:
        connection.execute(_REMOVE_OF_USERS, {"users": user_ids})


def has_form(password: bytes) -> bool:
    """Return True when a password has the form of an application password: then it is or was one, and no source is asked."""
    return _FORM.fullmatch(password) is not None


def verify(connection: SelectConnection, user_id: str, password: bytes) -> ApplicationPassword | None:
    """Return the application password when it is this user's, and user and application are enabled; else None, after the same
    work. `password` has the form."""
    identifier = password[len(PREFIX) + 1 :][:_ID_CHARACTERS].decode()
    row = connection.execute(_VALID, {"user": user_id, "id": identifier}).one_or_none()
    right = hmac.compare_digest(_UNKNOWN_HASH if row is None else row.hash, _hash(password))
    return _password(row) if row is not None and right else None


def _hash(password: bytes) -> bytes:
    return hashlib.sha256(password).digest()  # 192 random bits, like an application's secret: see applications.py


_UNKNOWN_HASH = _hash(secrets.token_bytes(_SECRET_BYTES))


def _password(row: TableRow) -> ApplicationPassword:
    return ApplicationPassword(row.id, row.user_id, row.application_id, row.application_name, row.name, time_of(row.created_at))


def hand_over(connection: Connection, old_user_id: str, new_user_id: str) -> None:
    """Move the application passwords of one user to another, but for those whose names that one has in use."""
    taken = {(one.application_id, name_key(one.name)) for one in of_user(connection, new_user_id)}
    for one in of_user(connection, old_user_id):
        if (one.application_id, name_key(one.name)) not in taken:
            statement = update(application_passwords).where(application_passwords.c.id == one.id)
            connection.execute(statement.values(user_id=new_user_id))
