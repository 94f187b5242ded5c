"""Reconciliation as batches: the first begins it, the last completes it (gateway.model.deltas.Batch)."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from gateway.model.deltas import Batch, Delta, Watermark
from gateway.model.objects import Kind

BATCH_DELTAS: Final = 500  # a transaction of a tenth of a second; larger ones are hardly cheaper per record
BATCH_REFERENCES: Final = 5_000  # members of groups in one batch, so that memory stays flat with large groups


def portions(deltas: Iterable[Delta]) -> Iterator[tuple[Delta, ...]]:
    """Split `deltas` into portions for one transaction each: at BATCH_DELTAS records or BATCH_REFERENCES references."""
    portion: list[Delta] = []
    references = 0
    for delta in deltas:
        portion.append(delta)
        references += sum(map(len, delta.references.values()))
        if len(portion) >= BATCH_DELTAS or references >= BATCH_REFERENCES:
            yield tuple(portion)
            portion, references = [], 0
    if portion:
        yield tuple(portion)


def batches(
    kinds: frozenset[Kind], deltas: Iterator[Delta], watermark: Watermark | None, *, caught_up: bool
) -> Iterator[Batch]:
    """Yield all `deltas` of these kinds; the last batch has `watermark` and completes the reconciliation.

    One batch is read ahead, so the reconciliation is completed only after `deltas` ended without an error: an exception leaves
    every record that was not mentioned yet as it is.
    """
    begins = kinds
    remaining = portions(deltas)
    portion = next(remaining, ())
    for following in remaining:
        yield Batch(portion, begins=begins)
        begins, portion = frozenset(), following
    yield Batch(portion, watermark, begins, kinds, caught_up)


def with_reading(found: Iterator[Batch], reading: str) -> Iterator[Batch]:
    """Yield the batches of one read, the first of them with the sentence on how it is read (Batch.reading)."""
    for batch in found:
        yield replace(batch, reading=reading) if reading else batch
        reading = ""
