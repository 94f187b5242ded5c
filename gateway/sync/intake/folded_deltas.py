"""Reports: the deltas of a batch folded into one for each record, made storable, and given a digest. Pure.

The digest is how a report that was applied before is recognized at the cost of a lookup (law 2)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

import msgspec

from gateway.model.deltas import Delta, DeltaType
from gateway.model.objects import Kind, Value
from gateway.model.records import Reference


class Report(NamedTuple):
    """All that a batch says of one record; a deletion has the attributes that the batch said before it. `batch_index`: where in
    the batch it was said last. `earlier_dns`: the DNs that it was said to have before, each with its index, when the batch
    names the record several times."""

    delta: Delta
    batch_index: int
    earlier_dns: tuple[tuple[int, str], ...] = ()


References: TypeAlias = Mapping[str, tuple[Reference, ...]]

Reports: TypeAlias = dict[tuple[Kind, str], Report]

DIGEST_BYTES = 16
MAX_EXTERNAL_ID_CHARACTERS = 600
"""Longer ids of a source cannot be index entries in PostgreSQL; none that was ever seen comes near."""

_encoder = msgspec.msgpack.Encoder()


def fold(deltas: Iterable[Delta]) -> Reports:
    """Return the reports by record, in the order in which each was named last; later deltas of a record go over earlier
    ones."""
    reports: Reports = {}
    for batch_index, reported in enumerate(deltas):
        delta = storable(reported)
        key = (delta.kind, delta.external_id)
        earlier = reports.pop(key, None)
        reports[key] = Report(delta, batch_index) if earlier is None else _fold_over(earlier, delta, batch_index)
    return reports


def digest(delta: Delta) -> bytes:
    """Return 16 bytes that are the same for the same report. Raises UnicodeEncodeError for text that cannot be stored: see
    `cleaned`."""
    others = (*_membership_changes(delta), *delta.warnings)
    said = _encoder.encode((delta.dn, delta.attributes, delta.references, delta.problem, *others))
    return blake2b(said, digest_size=DIGEST_BYTES).digest()


def storable(delta: Delta) -> Delta:
    """Return the delta itself, or a copy in which what no database takes (NUL in names, halves of surrogate pairs) is
    replaced."""
    names = delta.external_id + delta.dn
    if (names.isascii() or _is_text(names)) and "\0" not in names:
        return delta
    return cleaned(delta)


def cleaned(delta: Delta) -> Delta:
    """Return the delta with everything replaced that cannot be stored as text."""
    return Delta(
        delta.type,
        delta.kind,
        _clean(delta.external_id),
        _clean(delta.dn),
        {_clean(name): tuple(map(_clean_value, values)) for name, values in delta.attributes.items()},
        _clean_references(delta.references),
        _clean(delta.problem),
        delta.warnings,
        _clean_references(delta.added),
        _clean_references(delta.removed),
    )


def merged(stored: Mapping[str, tuple[Value, ...]], delta: Delta) -> dict[str, tuple[Value, ...]]:
    """Return the attributes of a record after a report: those that it does not mention stay (law 9)."""
    return {**stored, **delta.attributes}


def _fold_over(report: Report, later: Delta, batch_index: int) -> Report:
    earlier = report.delta
    if later.type is DeltaType.DELETE:
        return Report(replace(later, attributes={**earlier.attributes, **later.attributes}), batch_index)
    if earlier.type is not DeltaType.UPSERT:
        return Report(later, batch_index)
    if later.type is DeltaType.PRESENT:
        return report
    folded = Delta(
        later.type,
        later.kind,
        later.external_id,
        later.dn or earlier.dn,
        {**earlier.attributes, **later.attributes},
        {**earlier.references, **later.references},
        later.problem,
        earlier.warnings + later.warnings,
        _concatenated(earlier.added, later.added),
        _concatenated(earlier.removed, later.removed),
    )
    return Report(folded, batch_index, (*report.earlier_dns, (report.batch_index, earlier.dn)))


def _concatenated(earlier: References, later: References) -> References:
    return {name: earlier.get(name, ()) + later.get(name, ()) for name in {**earlier, **later}}


def _membership_changes(delta: Delta) -> tuple[References, ...]:
    """Return the added and removed references; nothing for nearly all reports, whose digests are those of earlier versions."""
    return (delta.added, delta.removed) if delta.added or delta.removed else ()


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _clean_references(said: References) -> References:
    return {name: tuple(Reference(form, _clean(value)) for form, value in given) for name, given in said.items()}


def _clean_value(value: Value) -> Value:
    return value if isinstance(value, bytes) else value.encode("utf-8", "replace").decode()
