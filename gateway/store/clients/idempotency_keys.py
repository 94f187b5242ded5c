"""Idempotency keys of applications: a request that is repeated under its key is done once (the Idempotency-Key header, as
draft-ietf-httpapi-idempotency-key-header has it). A key is kept for a day, in the transaction of what it stands for."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select

from gateway.model.objects import Kind
from gateway.store.engine.column_codecs import milliseconds
from gateway.store.tables.clients import idempotency_keys

KEPT: Final = timedelta(days=1)
"""The time within which a client repeats what it had no answer to."""

_FIND = select(idempotency_keys).where(
    idempotency_keys.c.application_id == bindparam("application"), idempotency_keys.c.key == bindparam("key")
)
_FORGET = delete(idempotency_keys).where(idempotency_keys.c.created_at <= bindparam("end"))


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """A request that was done: its `digest`, the object that it was about, and its number in the change log."""

    digest: bytes = field(repr=False)
    kind: Kind
    object_id: str
    change_number: int


def find(connection: Connection, application_id: str, key: str, now: datetime) -> KnownRequest | None:
    """Return the request that the application made under this key within KEPT; None for none."""
    connection.execute(_FORGET, {"end": milliseconds(now - KEPT)})
    row = connection.execute(_FIND, {"application": application_id, "key": key}).one_or_none()
    return None if row is None else KnownRequest(row.digest, Kind(row.kind), row.object_id, row.change_number)


def add(connection: Connection, application_id: str, key: str, done: KnownRequest, now: datetime) -> None:
    """Keep a request that was done, which `find` did not know."""
    row = {
        "application_id": application_id,
        "key": key,
        "digest": done.digest,
        "kind": done.kind.value,
        "object_id": done.object_id,
        "change_number": done.change_number,
        "created_at": milliseconds(now),
    }
    connection.execute(insert(idempotency_keys), row)
