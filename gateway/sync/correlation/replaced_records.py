"""Records of users that are gone while other records of the same source take their place: entries that were made anew under
other ids. They are no deletions, the users are back: where a rule finds the user, or the login name tells who is who."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from gateway.model.objects import Kind
from gateway.model.records import Situation
from gateway.store.correlation import link_decisions, rechecks
from gateway.store.engine.column_codecs import decode_strings
from gateway.store.records import record_rows
from gateway.store.records.record_rows import RecordRow
from gateway.sync.correlation.candidates import CandidateFinder
from gateway.sync.correlation.record_keys import RecordKeys
from gateway.sync.rules.correlation import NO_RULES, KindRules, Reaction
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import PendingRecord, PendingRecords


class Claim(NamedTuple):
    """A record that would take the place of a user's: `by_rule`, else by its login name. `waits`: the place was taken."""

    row: RecordRow
    by_rule: bool
    waits: bool = False


def replaced(
    transaction: SourceTransaction, records: PendingRecords, leaving: Collection[int], *, caught_up: bool
) -> list[int]:
    """Return those of the records that are leaving whose place others take. `records`: those under work; with `caught_up`,
    those that wait because the place was taken count too, and are checked again in this transaction."""
    if not leaving:
        return []
    rows = [one.row for one in fresh(records)]
    back = settle(transaction, found_by_rule(transaction, records), rows, records.keys(), leaving, caught_up=caught_up)
    rechecks.schedule(transaction.connection, [claim.row.id for claim in back.values() if claim.waits])
    return list(back)


def fresh(records: PendingRecords) -> list[PendingRecord]:
    """Return the records of users that have none."""
    return [one for one in records.values() if one.kind is Kind.USER and one.row.object_id is None]


def settle(
    transaction: SourceTransaction,
    by_rule: Mapping[str, Claim],
    rows: Iterable[RecordRow],
    under_work: Collection[int],
    leaving: Collection[int],
    *,
    caught_up: bool,
) -> dict[int, Claim]:
    """Return those of the records that are leaving whose place others take, each with the one that does: of `by_rule`
    (`found_by_rule`), of `rows` by the login name, and with `caught_up` of those that wait. Reads only."""
    rules = _rules(transaction)
    if (rules.deleted or Reaction.DISABLE) is Reaction.DELETE:
        return {}
    gone = [row for row in record_rows.by_id(transaction.connection, leaving).values() if row.id not in under_work]
    holders = {row.object_id: row for row in gone if row.kind == Kind.USER and row.object_id is not None}
    if not holders:
        return {}
    claims = {
        **_by_login(transaction, under_work, rows, holders),
        **(_waiting(transaction, under_work) if caught_up else {}),
        **by_rule,
    }
    claims = _undecided(transaction, {object_id: claim for object_id, claim in claims.items() if object_id in holders})
    linked = [row for row in record_rows.linked_to(transaction.connection, claims.keys()) if row.gone_at is None]
    of_all = Counter(row.object_id for row in linked)
    of_source = Counter(row.object_id for row in linked if row.source_id == transaction.source_id)
    # By its login name only a leaver is recognized, and who has records elsewhere becomes none.
    return {holders[one].id: claim for one, claim in claims.items() if (of_source if claim.by_rule else of_all)[one] == 1}


def _rules(transaction: SourceTransaction) -> KindRules:
    return transaction.rules.get(Kind.USER, NO_RULES)


def found_by_rule(transaction: SourceTransaction, records: PendingRecords) -> dict[str, Claim]:
    """Return the records under work that have no user and that a rule leads to one alone, by user."""
    rules = _rules(transaction)
    able = [one for one in fresh(records) if one.row.situation == Situation.LINKED.value]
    if not able or rules.unlinked is not Reaction.LINK or rules.several:
        return {}
    finder = CandidateFinder(transaction, Kind.USER, rules, RecordKeys(transaction, records, Kind.USER, able), ())
    found = finder.find(able, {})
    claims: dict[str, Claim] = {}
    for one in able:
        candidates = found.get(one.row.id)
        if candidates is not None and len(candidates.object_ids) == 1:
            claims.setdefault(candidates.object_ids[0], Claim(one.row, by_rule=True))
    return claims


def _waiting(transaction: SourceTransaction, under_work: Collection[int]) -> dict[str, Claim]:
    """Return the stored records that are disputed because another has the one user that a rule leads to, by user."""
    if _rules(transaction).unlinked is not Reaction.LINK:
        return {}
    rows = record_rows.disputed_by_rules(transaction.connection, transaction.source_id)
    candidates = {row.id: decode_strings(row.candidates) for row in rows if row.kind == Kind.USER and row.id not in under_work}
    waiting = [row for row in rows if len(candidates.get(row.id, ())) == 1]
    return {candidates[row.id][0]: Claim(row, by_rule=True, waits=True) for row in reversed(waiting)}


def _by_login(
    transaction: SourceTransaction,
    under_work: Collection[int],
    rows: Iterable[RecordRow],
    holders: Mapping[str, RecordRow],
) -> dict[str, Claim]:
    """Return the records with the login names of these users' records, by user, where the source says that they are theirs."""
    if not _rules(transaction).rejoins_by_username:
        return {}
    by_login = {row.login_key: object_id for object_id, row in holders.items() if row.login_key}
    waiting = record_rows.disputed(transaction.connection, transaction.source_id, by_login)
    able = [*(row for row in waiting if row.id not in under_work), *rows]
    return {by_login[row.login_key]: Claim(row, by_rule=False) for row in able if row.login_key in by_login}


def _undecided(transaction: SourceTransaction, claims: Mapping[str, Claim]) -> dict[str, Claim]:
    """Return the claims of records about which no person has decided."""
    if not claims:
        return {}
    names = [claim.row.external_id for claim in claims.values()]
    decided = link_decisions.of_records(transaction.connection, transaction.source_id, Kind.USER, names)
    return {object_id: claim for object_id, claim in claims.items() if claim.row.external_id not in decided}
