"""A full comparison as batches: the first begins it, the last completes it (gateway.model.deltas.Batch)."""

from collections.abc import Iterable, Iterator
from typing import Final

from gateway.model.deltas import Batch, Delta, Watermark
from gateway.model.objects import Kind

BATCH_DELTAS: Final = 500  # a transaction of a tenth of a second; larger ones are hardly cheaper per record
BATCH_REFERENCES: Final = 5_000  # members of groups in one batch: what keeps memory flat however large the groups are


def portions(deltas: Iterable[Delta]) -> Iterator[tuple[Delta, ...]]:
    """`deltas` in portions that one transaction takes: so many records, so many references, whichever comes first."""
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
    """All `deltas` of these kinds; the last batch carries `watermark`.

    One batch is read ahead, so the comparison is completed only after `deltas` ended without an error: whatever it raises
    leaves everything that was not mentioned yet as it is.
    """
    begins = kinds
    several = portions(deltas)
    chunk = next(several, ())
    for following in several:
        yield Batch(chunk, begins=begins)
        begins, chunk = frozenset(), following
    yield Batch(chunk, watermark, begins, kinds, caught_up)
