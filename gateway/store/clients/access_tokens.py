"""Access tokens of applications: opaque to them, kept as a hash, deleted when they have expired."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, insert, or_, select

from gateway.store.engine.column_codecs import milliseconds, time_of
from gateway.store.tables.clients import applications, tokens

TOKEN_BYTES = 32

MAX_PER_APPLICATION = 1_000
"""Valid tokens of one application; a program that asks for one before each request has the newest."""

_OF_OLD_SECRET = (tokens.c.secret_number == applications.c.old_secret_number) & (
    applications.c.old_secret_until.is_(None) | (applications.c.old_secret_until > bindparam("now"))
)
_FIND = (
    select(tokens.c.application_id)
    .join(applications, applications.c.id == tokens.c.application_id)
    .where(tokens.c.hash == bindparam("hash"), tokens.c.expires_at > bindparam("now"), applications.c.enabled)
    .where(or_(tokens.c.secret_number == applications.c.secret_number, _OF_OLD_SECRET))
)


def issue(connection: Connection, application_id: str, seconds: int, now: datetime, secret_number: int = 0) -> str:
    """Return a new token of the application that is valid for so many seconds, and no longer than the secret of this number
    (0: its newest); the oldest ones beyond the limit end."""
    expiries = select(tokens.c.expires_at).where(tokens.c.application_id == application_id)
    last_kept = expiries.order_by(tokens.c.expires_at.desc()).offset(MAX_PER_APPLICATION - 1).limit(1).scalar_subquery()
    connection.execute(delete(tokens).where(tokens.c.application_id == application_id, tokens.c.expires_at <= last_kept))
    token = secrets.token_urlsafe(TOKEN_BYTES)
    expires_at = milliseconds(now + timedelta(seconds=seconds))
    newest = select(applications.c.secret_number).where(applications.c.id == application_id).scalar_subquery()
    row = {"hash": _hash(token), "application_id": application_id, "expires_at": expires_at}
    connection.execute(insert(tokens).values({**row, "secret_number": secret_number or newest}))
    return token


def find(connection: Connection, token: str, now: datetime) -> str | None:
    """Return the id of the (enabled) application that holds the token; None when it is unknown, expired or revoked, or the
    secret by which it was got has ended."""
    return connection.execute(_FIND, {"hash": _hash(token), "now": milliseconds(now)}).scalar()


def expiry(connection: Connection, token: str) -> datetime | None:
    """Return the time when a token expires; None when it is unknown."""
    kept = connection.execute(select(tokens.c.expires_at).where(tokens.c.hash == _hash(token))).scalar()
    return None if kept is None else time_of(kept)


def revoke(connection: Connection, token: str, application_id: str) -> None:
    """Revoke a token of this application; do nothing when there is no such token (RFC 7009 §2.2)."""
    connection.execute(delete(tokens).where(tokens.c.hash == _hash(token), tokens.c.application_id == application_id))


def purge(connection: Connection, now: datetime) -> int:
    """Delete expired tokens; return their number."""
    return connection.execute(delete(tokens).where(tokens.c.expires_at <= milliseconds(now))).rowcount


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()  # random like an application's secret: see applications.py
