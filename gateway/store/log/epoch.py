"""Epoch of the change log: its identity, so that a reader notices when the store went back in time.

A store that was restored from a backup, or failed over to a server without the last transactions, gives the same numbers to
other changes. So a reader keeps a digest beside its position, of the epoch and of the change at that number; where the store
has another one, what the reader knows belongs to another history. The epoch itself is random, and is renewed by `gateway
instance new-history`; what has not been renewed is found by the change."""

import hashlib
import secrets

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from gateway.model.changes import Change
from gateway.store.engine.column_codecs import milliseconds
from gateway.store.log import changes
from gateway.store.tables.operations import meta, sources

_EPOCH = select(meta.c.value).where(meta.c.name == bindparam("wanted"))
_NAME = "epoch"
_NO_CHANGE = "-"
"""The digest of a number that the log does not have: 0, and all that are not given yet."""


def current(connection: Connection) -> str:
    """Return the epoch."""
    return str(connection.execute(_EPOCH, {"wanted": _NAME}).scalar_one())


def renew(connection: Connection) -> None:
    """Begin a new epoch: every reader of the log begins anew, and every source is read in full."""
    changes.lock(connection)
    connection.execute(update(meta).where(meta.c.name == _NAME).values(value=secrets.token_hex(8)))
    connection.execute(update(sources).values(watermark=None))


def digest_at(connection: Connection, number: int) -> str:
    """Return the digest of the log up to `number`."""
    found = changes.after(connection, number - 1, 1, members=False) if number > 0 else []
    known = found and found[0].number == number
    return f"{current(connection)}:{_digest(found[0]) if known else _NO_CHANGE}"


def digest_after(digest: str, change: Change) -> str:
    """Return the digest at a change that follows one with `digest`."""
    return f"{digest.partition(':')[0]}:{_digest(change)}"


def _digest(change: Change) -> str:
    """Return a digest of the stored columns but the document: the same of a change read with and without its members, and by
    any version of this program. Another history gives the number at another time."""
    time = milliseconds(change.time)
    columns = (change.number, time, change.kind.value, change.object_id, change.type.value, change.source_id)
    return hashlib.blake2b(msgspec.json.encode(columns), digest_size=8).hexdigest()
