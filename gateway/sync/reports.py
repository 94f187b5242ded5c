"""What a batch says of each record: several deltas of one record folded into one, made storable, and given a digest. Pure.

The digest is how a report that was applied before is recognized at the cost of a look-up (law 2)."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import TypeAlias

import msgspec

from gateway.model.deltas import Delta, DeltaType
from gateway.model.objects import Kind, Value
from gateway.model.records import Reference

Reports: TypeAlias = dict[tuple[Kind, str], Delta]

DIGEST_BYTES = 16
MAX_EXTERNAL_ID_CHARACTERS = 600
"""Longer ids of a source cannot be index entries in PostgreSQL; none that was ever seen comes near."""

_encoder = msgspec.msgpack.Encoder()


def fold(deltas: Iterable[Delta]) -> Reports:
    """The deltas by record, the later ones of a record over the earlier ones, in the order in which records are first named."""
    reports: Reports = {}
    for reported in deltas:
        delta = storable(reported)
        key = (delta.kind, delta.external_id)
        earlier = reports.get(key)
        reports[key] = delta if earlier is None else _over(earlier, delta)
    return reports


def digest(delta: Delta) -> bytes:
    """The same for the same report. Raises UnicodeEncodeError for text that cannot be stored: see `cleaned`."""
    said = _encoder.encode((delta.dn, delta.attributes, delta.references, delta.problem))
    return blake2b(said, digest_size=DIGEST_BYTES).digest()


def storable(delta: Delta) -> Delta:
    """The delta itself, or a copy in which what no database takes (NUL in names, halves of surrogate pairs) is replaced."""
    names = delta.external_id + delta.dn
    if (names.isascii() or _is_text(names)) and "\0" not in names:
        return delta
    return cleaned(delta)


def cleaned(delta: Delta) -> Delta:
    """The delta with everything replaced that cannot be stored as text."""
    return Delta(
        delta.type,
        delta.kind,
        _clean(delta.external_id),
        _clean(delta.dn),
        {_clean(name): tuple(map(_clean_value, values)) for name, values in delta.attributes.items()},
        {
            name: tuple(Reference(reference.form, _clean(reference.value)) for reference in references)
            for name, references in delta.references.items()
        },
        _clean(delta.problem),
        delta.warnings,
    )


def merged(stored: Mapping[str, tuple[Value, ...]], delta: Delta) -> dict[str, tuple[Value, ...]]:
    """The attributes of a record after a report: what it does not mention stays (law 9)."""
    return {**stored, **delta.attributes}


def _over(earlier: Delta, later: Delta) -> Delta:
    if later.type is DeltaType.DELETE or earlier.type is not DeltaType.UPSERT:
        return later
    if later.type is DeltaType.PRESENT:
        return earlier
    return Delta(
        later.type,
        later.kind,
        later.external_id,
        later.dn or earlier.dn,
        {**earlier.attributes, **later.attributes},
        {**earlier.references, **later.references},
        later.problem,
        earlier.warnings + later.warnings,
    )


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _clean_value(value: Value) -> Value:
    return value if isinstance(value, bytes) else value.encode("utf-8", "replace").decode()
