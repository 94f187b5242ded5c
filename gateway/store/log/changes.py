"""The change log: committed changes, numbered without gaps in commit order (law 3). Rows are only ever appended.

The next number lies in one row that is locked from its first read to the commit. A database sequence would not do: it numbers
transactions in the order in which they ask, they commit in another, and a reader in between would skip a change for ever."""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Connection, bindparam, func, literal_column, select, update

from gateway.model.changes import Change, ChangeType
from gateway.model.objects import DirectoryObject, Group, Kind, Member, Organization, Origin, User
from gateway.store.engine import bulk
from gateway.store.engine.column_codecs import decode_attributes, encode_attributes, milliseconds, optional_time_of, time_of
from gateway.store.engine.sql_types import RowValues, TableRow
from gateway.store.engine.transaction_notes import LAST_CHANGE, LOG_HEAD
from gateway.store.tables.change_log import changes, log_head


class _State(msgspec.Struct, omit_defaults=True):
    """An object as a change's document stores it."""

    name: str
    origin: tuple[str, str, str]
    created_at: int
    updated_at: int
    attributes: msgspec.Raw = msgspec.Raw(b"{}")
    enabled: bool = True
    parent_id: str | None = None
    organization_ids: tuple[str, ...] = ()
    gone_at: int | None = None


class _Document(msgspec.Struct, omit_defaults=True):
    state: _State | None = None
    before: tuple[str, ...] = ()
    added: tuple[tuple[str, str], ...] = ()
    removed: tuple[tuple[str, str], ...] = ()


class _Memberless(msgspec.Struct, omit_defaults=True):
    state: _State | None = None
    before: tuple[str, ...] = ()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Document)
_decoder_without_members = msgspec.json.Decoder(_Memberless)

_HEAD = select(log_head.c.number).where(log_head.c.id == 1)
_LOCKED_HEAD = _HEAD.with_for_update()
_TIME = select(changes.c.time).where(changes.c.number == bindparam("number"))
_MOVE_HEAD = update(log_head).where(log_head.c.id == 1).values(number=bindparam("last"))
_AFTER = select(changes).where(changes.c.number > bindparam("after")).order_by(changes.c.number).limit(bindparam("most"))
_NUMBERS = select(changes.c.object_id, changes.c.number).where(changes.c.number > bindparam("after")).order_by(changes.c.number)
_DELETIONS = (
    select(changes.c.kind, func.count())
    .where(
        changes.c.source_id == bindparam("source"),
        changes.c.type == literal_column("'delete'"),  # written out, so that the index of deletions is taken
        changes.c.time > bindparam("since"),
    )
    .group_by(changes.c.kind)
)


def lock(connection: Connection) -> int:
    """Become the only writer of the directory until this transaction ends; return the last change number so far.

    A caller that decides from the directory's content calls this first, and so sees the outcome of every earlier decision.
    """
    held: int | None = connection.info.get(LOG_HEAD)
    if held is None:
        held = connection.info[LOG_HEAD] = int(connection.execute(_LOCKED_HEAD).scalar_one())
    return held


def append(connection: Connection, new: Sequence[Change]) -> int:
    """Append the changes to the log, in this order; their `number`s are ignored, they get the next ones. Times in the change
    log never go backwards, whatever the clocks of its writers do: a change has at least the time of the one before it.

    Return the last number of the change log.
    """
    number = lock(connection)
    if not new:
        return number
    time = int(connection.execute(_TIME, {"number": number}).scalar() or 0)
    rows = []
    for place, change in enumerate(new, 1):
        time = max(time, milliseconds(change.time))
        rows.append(_row(number + place, time, change))
    bulk.insert(connection, changes, rows)
    number += len(new)
    connection.execute(_MOVE_HEAD, {"last": number})
    connection.info[LAST_CHANGE] = connection.info[LOG_HEAD] = number
    return number


def last(connection: Connection) -> int:
    """Return the last change number committed, or appended by this transaction."""
    held: int | None = connection.info.get(LOG_HEAD)
    return int(connection.execute(_HEAD).scalar_one()) if held is None else held


def after(connection: Connection, number: int, limit: int, *, members: bool = True) -> list[Change]:
    """Return at most `limit` changes that follow `number`, in order. With `members` false, without those that groups gained and
    lost: for readers that look them up anyway, and need not hold a large group's change in memory."""
    decoder = _decoder if members else _decoder_without_members
    return [_change(row, decoder.decode(row.document)) for row in connection.execute(_AFTER, {"after": number, "most": limit})]


def last_numbers(connection: Connection, number: int) -> dict[str, int]:
    """Return, for each object that was changed after `number`, the number of its last change."""
    return dict(connection.execute(_NUMBERS, {"after": number}).all())


def deletions_since(connection: Connection, source_id: str, stamp: int) -> dict[Kind, int]:
    """Return the number of objects of each kind that a source's reports deleted after `stamp` (milliseconds)."""
    rows = connection.execute(_DELETIONS, {"source": source_id, "since": stamp})
    return {Kind(kind): count for kind, count in rows}


def _row(number: int, time: int, change: Change) -> RowValues:
    return (
        number,
        time,
        change.kind.value,
        change.object_id,
        change.type.value,
        change.source_id,
        _encoder.encode(
            _Document(
                None if change.object is None else _state(change.object),
                change.organizations_before,
                _pairs(change.added_members),
                _pairs(change.removed_members),
            )
        ).decode(),
    )


def _state(thing: DirectoryObject) -> _State:
    origin = thing.origin
    state = _State(
        "",
        (origin.source_type, origin.source_id, origin.external_id),
        milliseconds(thing.created_at),
        milliseconds(thing.updated_at),
        msgspec.Raw(encode_attributes(thing.attributes).encode()),
    )
    if isinstance(thing, User):
        state.name, state.enabled, state.organization_ids = thing.username, thing.enabled, thing.organization_ids
        state.gone_at = None if thing.gone_at is None else milliseconds(thing.gone_at)
    else:
        state.name = thing.name
        if isinstance(thing, Organization):
            state.parent_id = thing.parent_id
    return state


def _pairs(members: Collection[Member]) -> tuple[tuple[str, str], ...]:
    return tuple((member.kind.value, member.id) for member in members)


def _members(pairs: Collection[tuple[str, str]]) -> tuple[Member, ...]:
    return tuple(Member(Kind(kind), identifier) for kind, identifier in pairs)


def _change(row: TableRow, document: "_Document | _Memberless") -> Change:
    kind = Kind(row.kind)
    return Change(
        row.number,
        time_of(row.time),
        kind,
        row.object_id,
        ChangeType(row.type),
        row.source_id,
        None if document.state is None else _object(kind, row.object_id, document.state),
        document.before,
        _members(document.added) if isinstance(document, _Document) else (),
        _members(document.removed) if isinstance(document, _Document) else (),
    )


def _object(kind: Kind, identifier: str, state: _State) -> DirectoryObject:
    origin = Origin(*state.origin)
    created, updated = time_of(state.created_at), time_of(state.updated_at)
    attributes = decode_attributes(bytes(state.attributes).decode())
    if kind is Kind.USER:
        gone = optional_time_of(state.gone_at)
        return User(identifier, state.name, origin, created, updated, state.enabled, attributes, state.organization_ids, gone)
    if kind is Kind.ORGANIZATION:
        return Organization(identifier, state.name, state.parent_id, origin, created, updated, attributes)
    return Group(identifier, state.name, origin, created, updated, attributes)
