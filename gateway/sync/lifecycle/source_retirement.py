"""Retirement of a source that was taken out of the configuration. Its objects do not change by themselves: an administrator
keeps them (source_finalization.py) or removes them, step by step; an interrupted command goes on when it is given again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol, TypeVar

from gateway.model.errors import DeletionsRefused
from gateway.model.objects import Kind
from gateway.model.records import DECIDED_BY_ADDITION
from gateway.store.engine.database import Connection
from gateway.store.operations import source_state
from gateway.store.operations.source_state import SourceState
from gateway.store.records import held_deletions, reconciliation_marks, records, source_retirement
from gateway.sync.deletion_guard import Guard
from gateway.sync.inbound import Inbound, InboundSettings
from gateway.sync.lifecycle.source_finalization import finalize_next
from gateway.sync.rules.correlation import KindRules, Reaction

T = TypeVar("T")


class Write(Protocol):
    """Runs a piece of work in a transaction."""

    def __call__(self, work: Callable[[Connection], T]) -> T: ...


ORDER: Final = (Kind.USER, Kind.GROUP, Kind.ORGANIZATION)
"""Objects in an organization, and members, go before it."""

AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Extent:
    """The extent of a source, of one kind: `records` of it, and `only_here` objects that no other source has."""

    records: int
    only_here: int


def extent(connection: Connection, source_id: str) -> dict[Kind, Extent]:
    """Return the extent of the source, by kind."""
    return {
        kind: Extent(
            records.count(connection, source_id, kind),
            source_retirement.count_only_here(connection, source_id, kind, DECIDED_BY_ADDITION),
        )
        for kind in ORDER
    }


def check(source_id: str, there: dict[Kind, Extent], guard: Guard) -> None:
    """Raises DeletionsRefused when removing the records of the source would take more objects than the guard lets pass: a
    source that is taken out of the configuration by mistake looks like one that has ended."""
    over = [
        f"{one.only_here} {kind}s that no other source has, and the limit is {guard.limit(kind, 0)}"
        for kind, one in there.items()
        if one.only_here > guard.limit(kind, 0)
    ]
    if over:
        raise DeletionsRefused(
            f"source {source_id}: this lets go of {'; of '.join(over)}. Nothing was changed. If this is right, say "
            f"`gateway source terminate {source_id} --yes --allow-deletions`; `gateway source finalize {source_id}` keeps them"
        )


def door(state: SourceState, own: Inbound, *, delete: bool) -> Inbound:
    """Return the door of a source that is not configured any more; with `delete` its users are deleted instead of disabled."""
    correlation = {Kind.USER: KindRules(deleted=Reaction.DELETE)} if delete else {}
    settings = InboundSettings(state.target_organization_id, Guard(), state.fingerprint, correlation)
    return Inbound(state.id, state.source_type, settings, own.now, own.posix, own.authority)


def terminate(write: Write, ended: Inbound) -> Iterator[tuple[Kind, int]]:
    """Remove all records of the source; yields after each transaction how many records of which kind went."""
    for kind in ORDER:
        while count := write(partial(_remove_next, ended=ended, kind=kind)):
            yield kind, count
    write(partial(_forget, source_id=ended.source_id))


def finalize(write: Write, own: Inbound, source_id: str) -> Iterator[tuple[Kind, int]]:
    """Keep all objects of the source; yields as `terminate` does."""
    for kind in ORDER:
        while count := write(partial(finalize_next, own=own, source_id=source_id, kind=kind)):
            yield kind, count
    write(partial(_forget, source_id=source_id))


def _remove_next(connection: Connection, ended: Inbound, kind: Kind) -> int:
    ids = source_retirement.present_ids(connection, ended.source_id, kind, AT_ONCE)
    if ids:
        ended.remove(connection, ids)
    return len(ids)


def _forget(connection: Connection, source_id: str) -> None:
    held_deletions.release_all(connection, source_id)
    for kind in Kind:
        reconciliation_marks.clear(connection, source_id, kind)
    source_state.forget(connection, source_id)
