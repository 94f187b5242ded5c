"""A dry run: what applying a source's batches would do, found by reading alone, a batch at a time, so that nothing is locked
while a source is read for minutes. An estimate in one respect: what changes only because something else does is not counted.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.deltas import Batch
from gateway.model.errors import DeletionsRefused
from gateway.model.objects import Attributes, Kind
from gateway.model.records import Situation
from gateway.model.runs import Outcome, Result, Statistics
from gateway.store import record_rows, records, users
from gateway.store.database import Connection
from gateway.store.values import decode_attributes
from gateway.sync import authority, correlation, guard, pointing, receiving, reports
from gateway.sync.authority import Said
from gateway.sync.inbound import Inbound
from gateway.sync.work import Touched, Work

EXAMPLES = 5
"""How many names are given for each kind and outcome."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """`examples`: the first names for each kind and outcome. `refusal`: what the deletion guard would say, "" when nothing."""

    statistics: Statistics
    examples: Mapping[tuple[Kind, Outcome], tuple[str, ...]]
    problems: tuple[str, ...]
    refusal: str


class Preview:
    """Looks at all batches of one read, in order, then tells. Each step is a piece of work for `Database.read`."""

    def __init__(self, inbound: Inbound) -> None:
        self._inbound = inbound
        self._tally: Counter[tuple[Kind, Outcome, Result]] = Counter()
        self._examples: dict[tuple[Kind, Outcome], list[str]] = {}
        self._problems: list[str] = []
        self._met: dict[Kind, set[int]] = {}
        self._gone: set[int] = set()
        self._renamed: set[str] = set()
        self._claimed: dict[str, str] = {}
        self._complete: set[Kind] = set()

    def look(self, connection: Connection, batch: Batch) -> None:
        """Look at the next batch."""
        for kind in batch.begins:
            self._met[kind] = set()
        work = self._inbound.work(connection)
        self._gone.update(receiving.receive(work, reports.fold(batch.deltas)))
        for kind, met in self._met.items():
            met.update(work.met[kind])
        self._tally += work.tally
        self._problems += work.problems
        pointing_elsewhere = pointing.owners_that_differ(work)
        holders = self._holders(connection, work)
        for record_id, touched in work.touched.items():
            self._judge(touched, holders, points_elsewhere=record_id in pointing_elsewhere)
        self._complete |= batch.completes & self._met.keys()

    def finish(self, connection: Connection) -> Foreseen:
        """What all of it would do."""
        for kind in self._complete:
            self._gone |= record_rows.ids(connection, self._inbound.source_id, kind) - self._met[kind]
        going = record_rows.by_id(connection, self._gone)
        for row in going.values():
            self._count(Kind(row.kind), Outcome.DELETED, Result.SUCCEEDED, row.dn or row.external_id)
        linked = Counter(Kind(row.kind) for row in going.values() if row.object_id is not None)
        return Foreseen(
            Statistics(dict(self._tally)),
            {key: tuple(names) for key, names in self._examples.items()},
            tuple(self._problems),
            self._refusal(connection, linked),
        )

    def _judge(self, touched: Touched, holders: Mapping[str, str], *, points_elsewhere: bool) -> None:
        row, name = touched.row, authority.name_of(touched.kind, touched.attributes)
        outcome = Outcome.CREATED if row.object_id is None else Outcome.UNCHANGED
        if row.object_id is not None and (points_elsewhere or _differs(touched)):
            outcome = Outcome.UPDATED
        reason = row.reason
        if not reason and touched.kind is Kind.USER:
            reason = self._dispute(touched, name, holders)
        self._count(touched.kind, outcome, Result.SKIPPED if reason else Result.SUCCEEDED, name or row.dn)
        if reason and (touched.old is None or touched.old.situation == Situation.LINKED.value):
            self._problems.append(reason)

    def _dispute(self, touched: Touched, name: str, holders: Mapping[str, str]) -> str:
        """Why the record would not get its login name; "" when it would."""
        row = touched.row
        key = row.login_key or ""
        if row.object_id is not None and touched.old is not None and touched.old.login_key != key:
            self._renamed.add(row.object_id)
        holder = holders.get(key)
        if holder is not None and holder != row.object_id and holder not in self._renamed:
            return correlation.disputed_reason(name, row.dn, f"user {holder}")
        earlier = self._claimed.setdefault(key, row.dn)
        return "" if earlier == row.dn else correlation.disputed_reason(name, row.dn, earlier)

    def _holders(self, connection: Connection, work: Work) -> dict[str, str]:
        """Who has the login names now, leaving out whoever the read so far says is gone."""
        keys = {touched.row.login_key for touched in work.touched.values() if touched.row.login_key}
        holders = users.name_holders(connection, [key for key in keys if key]) if keys else {}
        leaving = {target.object_id for target in record_rows.targets(connection, self._gone).values()} if holders else set()
        return {key: holder for key, holder in holders.items() if holder not in leaving}

    def _refusal(self, connection: Connection, linked: Mapping[Kind, int]) -> str:
        source_id = self._inbound.source_id
        deletions = [
            guard.Deletions(
                kind,
                number,
                0,
                records.count_linked(connection, source_id, kind),
                kind in self._complete and not self._met[kind],
            )
            for kind, number in linked.items()
        ]
        try:
            guard.check(self._inbound.settings.guard, source_id, deletions)
        except DeletionsRefused as refusal:
            return str(refusal)
        return ""

    def _count(self, kind: Kind, outcome: Outcome, result: Result, name: str) -> None:
        self._tally[kind, outcome, result] += 1
        examples = self._examples.setdefault((kind, outcome), [])
        if len(examples) < EXAMPLES and result is Result.SUCCEEDED:
            examples.append(name)


def _differs(touched: Touched) -> bool:
    """Whether the object would have other attributes, or stand elsewhere."""
    old = touched.old
    if old is None:
        return False
    if old.situation == Situation.DELETED.value:
        return True
    before: Attributes = decode_attributes(old.attributes)
    resolved = [authority.resolve(touched.kind, [Said(old.source_id, said)]) for said in (before, touched.attributes)]
    return resolved[0] != resolved[1] or old.dn_key != touched.row.dn_key
