"""How a source reports: Delta (one record), Batch (what is applied in one transaction), Watermark (how far it was read)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from gateway.model.objects import Attributes, Kind
from gateway.model.records import Reference

Watermark = NewType("Watermark", bytes)
"""How far a source has been read; opaque to everyone but the connector that wrote it. May hold a cookie: never printed."""


class DeltaType(StrEnum):
    """What a source says of one record."""

    UPSERT = "upsert"
    PRESENT = "present"
    """The record exists and has not changed (RFC 4533 present phase): only counts in a full comparison."""
    DELETE = "delete"


MEMBERS = "members"
"""The key in `Delta.references` for a group's members."""


@dataclass(frozen=True, slots=True)
class Delta:
    """One reported change at a source, in our attribute names.

    `attributes`: a name that is missing was not seen by the source and says nothing; a name with `()` was seen empty and
    clears (law 9). `references` follows the same rule. `problem` is a sentence for the administrator when this record
    cannot become an object (it is kept, counted as skipped, and shown); `warnings` are sentences about single values that
    were left out (not UTF-8, …). `added` and `removed`: references that are said from now on, or no more, beside all others:
    so that a group of 100,000 gains one without all of them being said again.
    """

    type: DeltaType
    kind: Kind
    external_id: str
    dn: str = ""
    attributes: Attributes = field(default_factory=dict)
    references: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)
    problem: str = ""
    warnings: tuple[str, ...] = ()
    added: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)
    removed: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is applied in one transaction.

    A full comparison of some kinds is a run of batches: the first has them in `begins`, the last in `completes`; every
    record of those kinds that no delta in between mentioned is then gone. `watermark` is stored with the batch; None means
    that the source cannot be resumed from here (the middle of a refresh). `caught_up`: with this batch the source's
    present state has been reached. `expected`: how many records the source announced for this read, for progress only.
    """

    deltas: tuple[Delta, ...] = ()
    watermark: Watermark | None = field(default=None, repr=False)
    begins: frozenset[Kind] = frozenset()
    completes: frozenset[Kind] = frozenset()
    caught_up: bool = False
    expected: int | None = None
