"""A full comparison as batches: the first begins it, the last completes it (gateway.model.deltas.Batch)."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from gateway.model.deltas import Batch, Delta, Watermark
from gateway.model.objects import Kind

BATCH_DELTAS: Final = 500  # a transaction of a tenth of a second; larger ones are hardly cheaper per record


def batches(
    kinds: frozenset[Kind], deltas: Iterator[Delta], watermark: Watermark | None, *, caught_up: bool
) -> Iterator[Batch]:
    """All `deltas` of these kinds; the last batch carries `watermark`.

    One batch is read ahead, so the comparison is completed only after `deltas` ended without an error: whatever it raises
    leaves everything that was not mentioned yet as it is.
    """
    begins = kinds
    chunk = tuple(islice(deltas, BATCH_DELTAS))
    while following := tuple(islice(deltas, BATCH_DELTAS)):
        yield Batch(chunk, begins=begins)
        begins, chunk = frozenset(), following
    yield Batch(chunk, watermark, begins, kinds, caught_up)
