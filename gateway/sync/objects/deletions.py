"""The second stage of the door: records that are gone, and the objects that have no other record: deleted, unless they stay
(leavers.py)."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from gateway.model.changes import Change, ChangeType
from gateway.model.objects import Kind, Member
from gateway.model.records import DECIDED_BY_ADDITION, Account
from gateway.model.runs import Outcome, Result, RunStatistics
from gateway.store.engine.normalized_keys import name_key
from gateway.store.log import changes
from gateway.store.objects import disablements, groups, memberships, organizations, users
from gateway.store.records import former_accounts, record_rows
from gateway.store.records.record_rows import RecordRow
from gateway.sync.objects import leavers
from gateway.sync.references import reference_release
from gateway.sync.references.reference_effects import ReferenceEffects
from gateway.sync.rules import disablement
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import Removal


def remove(transaction: SourceTransaction, gone: Collection[int], *, replaced: Collection[int] = ()) -> Removal:
    """Remove these records: their source says that they are gone, or an administrator removes them. Objects without
    another present record become what the rules of the source say. `replaced`: those whose place another record takes, which
    are counted as no deletions."""
    return _Remover(transaction).remove(gone, by_source=True, replaced=replaced)


def expire(transaction: SourceTransaction, overdue: Collection[int]) -> Removal:
    """Remove these records of leavers, whose grace period is over, and the users that have no other record, be it that of a
    leaver too."""
    return _Remover(transaction).remove(overdue, by_source=False)


def erase(transaction: SourceTransaction, object_ids: Mapping[str, Kind]) -> Removal:
    """Delete these objects, with all records that they still have."""
    return _Remover(transaction).erase(object_ids)


def log(transaction: SourceTransaction, removal: Removal, *kinds: Kind) -> None:
    """Append the deletions of these kinds to the change log."""
    deletions = [change for kind in kinds for change in removal.deletions.get(kind, ())]
    if deletions:
        changes.append(transaction.connection, deletions)


class _Remover:
    """The working value of one removal."""

    def __init__(self, transaction: SourceTransaction) -> None:
        self._transaction = transaction
        self._connection = transaction.connection
        self._effects = ReferenceEffects(transaction.connection)
        self._displaced = self._effects.displaced
        self._reopened: dict[str, Kind] = {}
        self._deletions: dict[Kind, list[Change]] = {kind: [] for kind in Kind}
        self._removed_members: dict[str, set[Member]] = {}
        self._freed_names: set[str] = set()
        self._leaving: set[str] = set()
        self._lost_accounts: dict[str, Account] = {}
        self._counts: Counter[tuple[Kind, Outcome, Result]] = Counter()

    def remove(self, gone: Collection[int], *, by_source: bool, replaced: Collection[int] = ()) -> Removal:
        """`by_source`: a source says so, and objects may stay; else only objects stay that have another record of any sort."""
        if not gone:
            return Removal()
        rows = record_rows.by_id(self._connection, gone)
        counted = list(rows.values())
        object_ids = {row.object_id: Kind(row.kind) for row in counted if row.object_id is not None}
        linked = record_rows.linked_to(self._connection, object_ids)
        others = [row for row in linked if row.id not in rows]
        surviving = {
            row.object_id for row in others if row.decided_by != DECIDED_BY_ADDITION and (row.gone_at is None or not by_source)
        }
        last = [row for row in counted if row.object_id is not None and row.object_id not in surviving]
        staying = self._keep_leavers(last) if by_source else {}
        surviving |= {row.object_id for row in staying.values()}
        if by_source:
            of_users = [row for row in linked if row.kind == Kind.USER.value and row.object_id in surviving]
            lost = [row for row in of_users if row.id in rows]
            former_accounts.add(self._connection, lost, self._transaction.now)
            self._lost_accounts = {row.object_id or "": _account(row) for row in lost if row.gone_at is None}
            self._keep_disabled(of_users)
        rows = {record_id: row for record_id, row in rows.items() if record_id not in staying}
        rows |= {row.id: row for row in others if row.object_id not in surviving}
        reference_release.release(self._connection, self._effects, rows)
        self._reopened = {object_id: kind for object_id, kind in object_ids.items() if object_id in surviving}
        self._displaced.update(self._reopened)
        record_rows.remove(self._connection, list(rows))
        self._delete({object_id: kind for object_id, kind in object_ids.items() if object_id not in surviving})
        for row in (row for row in counted if row.id not in replaced):
            self._counts[Kind(row.kind), Outcome.DELETED, Result.SUCCEEDED] += 1
        return self._result()

    def erase(self, object_ids: Mapping[str, Kind]) -> Removal:
        rows = {row.id: row for row in record_rows.linked_to(self._connection, object_ids)}
        reference_release.release(self._connection, self._effects, rows)
        record_rows.remove(self._connection, list(rows))
        self._delete(object_ids)
        return self._result()

    def _result(self) -> Removal:
        return Removal(
            self._deletions,
            self._reopened,
            self._displaced,
            self._effects.lost_members,
            self._removed_members,
            self._leaving,
            self._lost_accounts,
            self._freed_names,
            RunStatistics(dict(self._counts)),
        )

    def _keep_leavers(self, last: Sequence[RecordRow]) -> dict[int, RecordRow]:
        kept = leavers.keep(self._transaction, last)
        reference_release.release_from_others(self._connection, self._effects, kept.disabled)
        self._leaving |= {row.object_id for row in kept.disabled.values() if row.object_id is not None}
        # A record of the same source that waits for the name may be the same person.
        self._freed_names |= {row.login_key for row in kept.disabled.values() if row.login_key is not None}
        return {**kept.disabled, **kept.unchanged}

    def _keep_disabled(self, linked: Sequence[RecordRow]) -> None:
        """Keep those users disabled whom this source has disabled: what is left of their records must not enable them."""
        by_user: defaultdict[str, list[RecordRow]] = defaultdict(list)
        for row in linked:
            by_user[row.object_id or ""].append(row)
        source_id, rules, now = self._transaction.source_id, self._transaction.authority, self._transaction.now
        disabled = [user_id for user_id, rows in by_user.items() if disablement.is_decided_by(rows, source_id, rules)]
        disablements.add(self._connection, [disablements.left(user_id, source_id, now) for user_id in disabled])

    def _delete(self, object_ids: Mapping[str, Kind]) -> None:
        by_kind = {kind: [object_id for object_id, of_kind in object_ids.items() if of_kind is kind] for kind in Kind}
        if by_kind[Kind.ORGANIZATION]:
            self._delete_organizations(by_kind[Kind.ORGANIZATION])
        if by_kind[Kind.USER]:
            self._delete_users(by_kind[Kind.USER])
        if by_kind[Kind.GROUP]:
            groups.delete(self._connection, by_kind[Kind.GROUP])
            for group_id in by_kind[Kind.GROUP]:
                self._note_deletion(Kind.GROUP, group_id)
        self._leave_groups(by_kind)
        for object_id in object_ids:
            self._displaced.pop(object_id, None)

    def _delete_users(self, user_ids: list[str]) -> None:
        for user in users.get_many(self._connection, user_ids).values():
            self._freed_names.add(name_key(user.username))
            self._note_deletion(Kind.USER, user.id, user.organization_ids)
        users.delete(self._connection, user_ids)

    def _delete_organizations(self, organization_ids: list[str]) -> None:
        """Delete the deepest first; what was directly in them goes to the next organization above."""
        above = {identifier: organizations.ancestors(self._connection, identifier) for identifier in organization_ids}
        for identifier in sorted(organization_ids, key=lambda identifier: -len(above[identifier])):
            self._note_deletion(Kind.ORGANIZATION, identifier, above[identifier])
        for child_id in organizations.child_ids(self._connection, organization_ids):
            self._displaced[child_id] = Kind.ORGANIZATION
        for user_id in users.ids_directly_in(self._connection, organization_ids):
            self._displaced[user_id] = Kind.USER
        organizations.delete(self._connection, organization_ids)

    def _leave_groups(self, by_kind: Mapping[Kind, Sequence[str]]) -> None:
        deleted_groups = set(by_kind[Kind.GROUP])
        members = {object_id: Member(kind, object_id) for kind in (Kind.USER, Kind.GROUP) for object_id in by_kind[kind]}
        if not members:
            return
        for member_id, group_ids in memberships.group_ids_of(self._connection, members).items():
            for group_id in group_ids - deleted_groups:
                self._removed_members.setdefault(group_id, set()).add(members[member_id])
        memberships.remove_objects(self._connection, members)

    def _note_deletion(self, kind: Kind, object_id: str, before: tuple[str, ...] = ()) -> None:
        transaction = self._transaction
        change = Change(0, transaction.now, kind, object_id, ChangeType.DELETE, transaction.source_id, None, before)
        self._deletions[kind].append(change)


def _account(row: RecordRow) -> Account:
    return Account(row.source_id, row.external_id, row.dn, row.decided_by or "")
