"""Delta, Batch, Watermark: one reported change of a record, the deltas of one transaction, and the position in a source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from gateway.model.objects import Attributes, Kind
from gateway.model.records import Reference

Watermark = NewType("Watermark", bytes)
"""The position up to which a source has been read; opaque to all but the connector that wrote it. May hold a cookie: never
printed."""


class DeltaType(StrEnum):
    """The type of a report about one record."""

    UPSERT = "upsert"
    PRESENT = "present"
    """The record exists and has not changed (RFC 4533 present phase): only counts in a reconciliation."""
    DELETE = "delete"


MEMBERS = "members"
"""The key in `Delta.references` for a group's members."""


@dataclass(frozen=True, slots=True)
class Delta:
    """One reported change at a source, in our attribute names.

    `attributes`: a missing name was not seen by the source and changes nothing; a name with `()` was seen empty and clears
    (law 9). `references` follows the same rule. `problem` is a sentence for the administrator when this record
    cannot become an object (it is kept, counted as skipped, and shown); `warnings` are sentences about single values that
    were left out (not UTF-8, …). `added` and `removed`: references that are added or removed beside all others, so that a
    group of 100,000 gains a member without all of them being reported again.
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
    """The deltas that are applied in one transaction.

    A reconciliation of some kinds is a run of batches: the first has them in `begins`, the last in `completes`; every
    record of those kinds that no delta in between mentioned is then gone. `watermark` is stored with the batch; None
    means that the source cannot be resumed from here (the middle of a refresh). `caught_up`: with this batch the source's
    present state has been reached. `expected`: the number of records that the source announced for this read, for progress
    only. `heard`: False for an empty batch that only hands control back, while nothing came from the source. `reading`: a
    sentence for the administrator on how changes and deletions are read from now on, "" for no news.
    """

    deltas: tuple[Delta, ...] = ()
    watermark: Watermark | None = field(default=None, repr=False)
    begins: frozenset[Kind] = frozenset()
    completes: frozenset[Kind] = frozenset()
    caught_up: bool = False
    expected: int | None = None
    heard: bool = True
    reading: str = ""
