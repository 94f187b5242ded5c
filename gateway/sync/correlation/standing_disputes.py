"""Disputes that stand: a record that has been disputed is not decided because the values of others have changed (law 10). It is
decided when a person has said so, by a decision or by other settings (which clear the candidates that are stored with it); when
its own source reports other values to find its object by; or when at most one of the objects it was disputed about exists."""

from collections.abc import Collection, Mapping, Sequence

from gateway.model.objects import Attributes, Kind
from gateway.model.records import Situation
from gateway.store.engine.column_codecs import decode_attributes, decode_strings
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.store.records.record_rows import RecordRow
from gateway.sync.correlation.candidates import Candidates
from gateway.sync.rules.correlation import KindRules, Reaction
from gateway.sync.rules.correlation_keys import EXTERNAL_ID, PATH, keys_of
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import PendingRecord


def of(
    transaction: SourceTransaction,
    kind: Kind,
    wave: Sequence[PendingRecord],
    found: Mapping[int, Candidates],
    deleted: Collection[str],
) -> dict[int, RecordRow]:
    """Return the stored rows of those records of the wave whose disputes stand, by record id. `found`: their candidates now;
    `deleted`: objects that this transaction has deleted."""
    rules = transaction.rules.get(kind, KindRules())
    if rules.disputed is Reaction.RECHECK:
        return {}
    former = {one.row.id: decode_strings(one.stored.candidates) for one in wave if one.stored and _is_disputed(one.stored)}
    if not former:
        return {}
    wanted = set().union(*former.values())
    existing = OBJECT_STORES[kind].get_many(transaction.connection, list(wanted)).keys() - set(deleted)
    names = transaction.key_names.get(kind, frozenset())
    return {
        one.row.id: one.stored
        for one in wave
        if one.stored is not None
        and one.row.id in former
        and _is_open(former[one.row.id], existing, found.get(one.row.id))
        and (one.stored.decided_by or "").partition(":")[2] in {*names, *(rule.left for rule in rules.rules)}
        and _search_values(rules, names, one.row, one.attributes)
        == _search_values(rules, names, one.stored, decode_attributes(one.stored.attributes))
    }


def _is_disputed(row: RecordRow) -> bool:
    """Return whether rules found objects for the record and could not decide. A dispute over a login name names no rule."""
    return row.situation == Situation.DISPUTED.value and row.object_id is None and row.decided_by is not None


def _is_open(former: Sequence[str], existing: Collection[str], found: Candidates | None) -> bool:
    """Return whether a dispute about the objects `former` would be decided only because the values of one have changed."""
    if found is not None and len(found.object_ids) > 1:
        return False  # it is a dispute again, about other objects
    if len(former) > 1:
        return sum(one in existing for one in former) > 1
    # Another record of the source has the one object; when it has left it, the object is free.
    return any(one in existing for one in former) and (found is None or found.object_ids != tuple(former))


def _search_values(rules: KindRules, names: Collection[str], row: RecordRow, attributes: Attributes) -> object:
    """Return all by which the record's object is looked for."""
    reported = {**attributes, EXTERNAL_ID: (row.external_id,)}
    own = [keys_of(rule.right(reported)) for rule in rules.rules if rule.left != PATH]
    by_path = row.dn_key if PATH in names else ""
    return own, [keys_of(reported.get(name, ())) for name in sorted(names)], by_path
