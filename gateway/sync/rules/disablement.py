"""Disablement: when a source leaves a user disabled behind, and when that is over. Pure.

A source that decided `enabled` and has the user no more has not said that they may log in: the records that are left must not
say it in its place."""

from collections.abc import Mapping, Sequence

from gateway.model.objects import Attributes, Kind
from gateway.model.records import Situation
from gateway.store.engine.column_codecs import decode_attributes
from gateway.store.objects.disablements import Disablement
from gateway.store.records.record_rows import RecordRow
from gateway.sync.rules import contributing_records
from gateway.sync.rules.authority import ENABLED, Authority, decide, is_enabled

DISABLED = ("false",)


def is_decided_by(rows: Sequence[RecordRow], source_id: str, rules: Authority) -> bool:
    """Return whether it is this source that has a user disabled. `rows`: all records of the user, as they were linked."""
    contributing, _ = contributing_records.select(rows)
    said = contributing_records.reports(rows, contributing, lambda row: decode_attributes(row.attributes))
    decision = decide(Kind.USER, ENABLED, said, rules)
    return decision.source_id == source_id and not is_enabled({ENABLED: decision.values})


def is_over(
    one: Disablement, rows: Sequence[RecordRow], changed: Mapping[int, tuple[Attributes, Attributes]], rules: Authority
) -> bool:
    """Return whether the disablement is over: the source has the user again, or one that may decide has changed its mind. A
    value that it had all the time says nothing, and a person's decision ends by a person's alone. `rows`: all records of the
    user; `changed`: attributes before and after, by record, of those that are reported now."""
    if one.is_by_person:
        return False
    there = [row for row in rows if row.gone_at is None and row.situation == Situation.LINKED.value]
    return any(
        row.source_id == one.source_id
        or (row.id in changed and rules.decides(Kind.USER, ENABLED, row.source_id) and _enables(*changed[row.id]))
        for row in there
    )


def _enables(before: Attributes, after: Attributes) -> bool:
    return not is_enabled(before) and is_enabled(after)
