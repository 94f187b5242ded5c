"""Source state: one row for each source, with its watermark, the kinds of a reconciliation in progress, and its last
contact."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gateway.model.deltas import Watermark
from gateway.model.objects import ROOT_ORGANIZATION_ID, Kind
from gateway.store.engine.column_codecs import milliseconds, optional_time_of
from gateway.store.engine.sql_types import ColumnValue, TableRow
from gateway.store.tables.operations import meta, sources

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(dict[str, int])
_TARGETS = select(sources.c.id, sources.c.target_organization_id)
_STAMP = (
    select(meta.c.value, sources.c.heard_at)
    .select_from(meta.outerjoin(sources, sources.c.id == bindparam("source")))
    .where(meta.c.name == "epoch")
)
_GET = select(sources).where(sources.c.id == bindparam("source"))


@dataclass(frozen=True, slots=True)
class SourceState:
    """The state of a source. `fingerprint`: the settings for which `watermark` is valid. `comparing`: the kinds of a
    reconciliation that has begun and not been completed, each with the time (milliseconds) it began. `caught_up_at`: when the
    source's present state was last reached; `heard_at`: when it last reported at all. `deletions_allowed_at`: when a person
    last let deletions pass. `held_reason`: why the deletion guard holds deletions of the source, "" when it holds none.
    `reading`: how its changes and deletions are read, "" when it has not told."""

    id: str
    source_type: str
    fingerprint: str = ""
    target_organization_id: str = ROOT_ORGANIZATION_ID
    watermark: Watermark | None = field(default=None, repr=False)
    comparing: Mapping[Kind, int] = field(default_factory=dict)
    caught_up_at: datetime | None = None
    heard_at: datetime | None = None
    deletions_allowed_at: datetime | None = None
    held_reason: str = ""
    reading: str = ""
    last_error: str = ""
    last_error_at: datetime | None = None


def get(connection: Connection, source_id: str) -> SourceState | None:
    """Return the source's state; None when it has never been read."""
    row = connection.execute(_GET, {"source": source_id}).one_or_none()
    return None if row is None else _state(row)


def stamp(connection: Connection, source_id: str) -> tuple[str, int | None]:
    """Return what every transaction of the source's reader changes, and nothing else but a store that went back in time, or
    that was given a new epoch."""
    epoch, heard_at = connection.execute(_STAMP, {"source": source_id}).one()
    return epoch, heard_at


def all_sources(connection: Connection) -> list[SourceState]:
    """Return the state of every source that was ever read, by name."""
    return [_state(row) for row in connection.execute(select(sources).order_by(sources.c.id))]


def ensure(connection: Connection, source_id: str, source_type: str) -> SourceState:
    """Return the source's state; create it when the source is new."""
    state = get(connection, source_id)
    if state is None:
        row = {
            "id": source_id,
            "source_type": source_type,
            "fingerprint": "",
            "target_organization_id": ROOT_ORGANIZATION_ID,
            "comparing": "{}",
            "last_error": "",
        }
        connection.execute(insert(sources), row)
        return SourceState(source_id, source_type)
    if state.source_type != source_type:
        _set(connection, source_id, source_type=source_type)
    return state


def set_watermark(connection: Connection, source_id: str, watermark: Watermark | None) -> None:
    """Store the source's watermark, in the transaction of the batch (law 2)."""
    _set(connection, source_id, watermark=watermark)


def set_settings(connection: Connection, source_id: str, fingerprint: str, target_organization_id: str) -> None:
    """Store the settings under which the source is read from now on; the watermark of the former ones is deleted."""
    _set(connection, source_id, fingerprint=fingerprint, target_organization_id=target_organization_id, watermark=None)


def target_organizations(connection: Connection) -> dict[str, str]:
    """Return, for each source, the organization of its objects that have none of their own at the source."""
    return dict(connection.execute(_TARGETS).all())


def set_comparing(connection: Connection, source_id: str, comparing: Mapping[Kind, int]) -> None:
    """Store the kinds that a reconciliation covers."""
    _set(connection, source_id, comparing=_encoder.encode(dict(comparing)).decode())


def note_heard(connection: Connection, source_id: str, now: datetime, *, caught_up: bool) -> None:
    """Store that the source has reported, which clears its error."""
    stamp = milliseconds(now)
    values: dict[str, ColumnValue] = {"heard_at": stamp, "last_error": ""}
    if caught_up:
        values["caught_up_at"] = stamp
    _set(connection, source_id, **values)


def note_deletions_allowed(connection: Connection, source_id: str, now: datetime) -> None:
    """Store that a person let deletions pass: earlier ones no longer count for the deletion guard."""
    _set(connection, source_id, deletions_allowed_at=milliseconds(now))


def set_held_reason(connection: Connection, source_id: str, reason: str) -> None:
    """Store why the deletion guard holds deletions of the source; "": it holds none."""
    _set(connection, source_id, held_reason=reason)


def set_reading(connection: Connection, source_id: str, reading: str) -> None:
    """Store how the source's changes and deletions are read, a sentence for the administrator."""
    _set(connection, source_id, reading=reading)


def note_error(connection: Connection, source_id: str, error: str, now: datetime) -> None:
    """Store the source's last error."""
    _set(connection, source_id, last_error=error, last_error_at=milliseconds(now))


def forget(connection: Connection, source_id: str) -> None:
    """Delete the state of a retired source, which is read no more and has no records but those of leavers."""
    connection.execute(delete(sources).where(sources.c.id == source_id))


def _set(connection: Connection, source_id: str, **values: ColumnValue) -> None:
    connection.execute(update(sources).where(sources.c.id == source_id).values(**values))


def _state(row: TableRow) -> SourceState:
    return SourceState(
        row.id,
        row.source_type,
        row.fingerprint,
        row.target_organization_id,
        None if row.watermark is None else Watermark(bytes(row.watermark)),
        {Kind(kind): run for kind, run in _decoder.decode(row.comparing).items()},
        optional_time_of(row.caught_up_at),
        optional_time_of(row.heard_at),
        optional_time_of(row.deletions_allowed_at),
        row.held_reason or "",
        row.reading or "",
        row.last_error,
        optional_time_of(row.last_error_at),
    )
