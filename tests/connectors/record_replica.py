"""A replica of a source's records, kept up by nothing but its batches: the reference reader of the Source Protocol.

It follows the description of gateway.model.deltas.Batch literally."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from gateway.model.connector import Source
from gateway.model.deltas import Batch, Delta, DeltaType, Watermark
from gateway.model.errors import GatewayError
from gateway.model.objects import Kind

PATIENCE_SECONDS = 20.0


class RecordReplica:
    """The records that a source's batches add up to."""

    def __init__(self) -> None:
        self.records: dict[tuple[Kind, str], Delta] = {}
        self.watermark: Watermark | None = None
        self.batches: list[Batch] = []
        self.warnings: list[str] = []
        self._seen: dict[Kind, set[str]] = {}

    def read(self, source: Source) -> Self:
        """Apply everything since the last read, without following."""
        self.batches = []
        for batch in source.read(self.watermark, follow=False):
            self.apply(batch)
        return self

    def apply(self, batch: Batch) -> None:
        self.batches.append(batch)
        for kind in batch.begins:
            self._seen[kind] = set()
        for delta in batch.deltas:
            self._apply_delta(delta)
        for kind in batch.completes:
            seen = self._seen.pop(kind)
            self.records = {key: delta for key, delta in self.records.items() if key[0] is not kind or key[1] in seen}
        if batch.watermark is not None:
            self.watermark = batch.watermark

    def _apply_delta(self, delta: Delta) -> None:
        self.warnings += delta.warnings
        if delta.type is DeltaType.DELETE:
            self.records.pop((delta.kind, delta.external_id), None)
            return
        self._seen.get(delta.kind, set()).add(delta.external_id)
        if delta.type is DeltaType.UPSERT:
            key = (delta.kind, delta.external_id)
            self.records[key] = self.known(self.records.get(key), delta)

    def known(self, before: Delta | None, delta: Delta) -> Delta:
        """Return the record after a report: the report itself, for sources that report whole records."""
        del before
        return delta

    def named(self, name: str) -> Delta:
        """The one record with this user name or name."""
        (found,) = [delta for delta in self.records.values() if name in (_first(delta, "username"), _first(delta, "name"))]
        return found

    def names(self, kind: Kind) -> set[str]:
        return {_first(delta, "username") or _first(delta, "name") for key, delta in self.records.items() if key[0] is kind}

    @property
    def types(self) -> list[DeltaType]:
        """The types of all deltas of the last read."""
        return [delta.type for batch in self.batches for delta in batch.deltas]


def _first(delta: Delta, name: str) -> str:
    values = delta.attributes.get(name, ())
    return str(values[0]) if values else ""


class FollowingReplica:
    """A replica that a thread of its own keeps up to date, until the block ends. `error` is what the read raised."""

    def __init__(self, source: Source, replica: RecordReplica | None = None) -> None:
        self.replica = replica or RecordReplica()
        self.error: GatewayError | None = None
        self._source = source
        self._changed = threading.Condition()
        self._caught_up = False
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> FollowingReplica:
        self._thread.start()
        self.until(lambda: self._caught_up)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._source.close()
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "close() did not end the read"

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the condition; the end of the read, or PATIENCE_SECONDS without it, fails the test."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition() or self.error, PATIENCE_SECONDS), "nothing happened"
            assert condition(), f"the read ended with: {self.error}"

    def failed(self) -> GatewayError:
        """Wait for the read to raise, and give what it raised."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.error is not None, PATIENCE_SECONDS), "the read went on"
        assert self.error is not None
        return self.error

    def _follow(self) -> None:
        try:
            for batch in self._batches():
                with self._changed:
                    self.replica.apply(batch)
                    self._caught_up = self._caught_up or batch.caught_up
                    self._changed.notify_all()
        except GatewayError as error:
            with self._changed:
                self.error = error
                self._changed.notify_all()

    def _batches(self) -> Iterator[Batch]:
        return self._source.read(self.replica.watermark, follow=True)
