"""The stage of the door that creates and updates users: their new state compared with the stored one; what differs is written
and logged. One object, one change, one batch."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from gateway.model.attributes import PASSWORD_CHANGED
from gateway.model.changes import Change, ChangeType
from gateway.model.objects import Attributes, Kind, User
from gateway.model.records import DECIDED_BY_RULE
from gateway.store.clients import application_passwords
from gateway.store.objects import disablements, passwords, users
from gateway.store.records import former_accounts, record_rows, records
from gateway.sync.objects import object_changes
from gateway.sync.references import reference_attributes
from gateway.sync.references.organization_places import OrganizationPlaces
from gateway.sync.rules import authority
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import Displacement, NumberedAttributes, Removal, RenamedRecords, Resolution, UserChanges

AT_ONCE = 1000
"""Objects in memory at a time: a renamed or removed organization may move 100,000 of them."""


def refresh(
    transaction: SourceTransaction,
    places: OrganizationPlaces,
    removal: Removal,
    resolution: Resolution,
    numbered: NumberedAttributes,
    renamed: RenamedRecords,
    displacement: Displacement,
) -> UserChanges:
    """Update and create users, in this order: an updated one that changes its name may free it for a new one."""
    refresher = _Refresher(transaction, removal.leaving, resolution.recordless, numbered.attributes, resolution.given_up)
    updated: set[str] = set()
    left: set[str] = set()
    returned: set[str] = set()
    for chunk in _chunks(object_changes.stored_ids(resolution, displacement, Kind.USER)):
        current = {user_id: resolution.users[user_id] for user_id in chunk if user_id in resolution.users}
        current |= users.get_many(transaction.connection, [user_id for user_id in chunk if user_id not in current])
        displaced = [user_id for user_id in current if user_id in displacement.objects]
        placed = object_changes.place(transaction, places, Kind.USER, displaced)
        referenced = reference_attributes.find(transaction, Kind.USER, displaced)
        pairs = [(one, refresher.changed(one, placed.get(one.id), referenced.get(one.id))) for one in current.values()]
        changed = [(old, new) for old, new in pairs if new != old]
        left |= {new.id for old, new in changed if new.gone_at is not None and old.gone_at is None}
        returned |= {new.id for old, new in changed if new.gone_at is None and old.gone_at is not None}
        updated |= _update(transaction, changed)
    passwords.forget_verifiers_of(transaction.connection, removal.lost_accounts.keys(), transaction.source_id)
    ended = _taken_over(transaction, removal, resolution) | _left_without_password(transaction, removal)
    application_passwords.remove_of_users(transaction.connection, ended)
    disablements.remove(transaction.connection, resolution.enabled_again)
    updated |= _create(transaction, places, renamed, numbered.attributes)
    return UserChanges(updated, left, returned | (set(removal.leaving) - left))


@dataclass(frozen=True, slots=True)
class _Refresher:
    """Computes the new state of stored users. `leaving`: their last record is gone; `recordless`: they have none but of
    leavers, and additions; `given_up` as in Resolution."""

    transaction: SourceTransaction
    leaving: Collection[str]
    recordless: Collection[str]
    attributes: Mapping[str, Attributes]
    given_up: Mapping[str, str]

    def changed(self, user: User, organization_ids: tuple[str, ...] | None, referenced: Attributes | None) -> User:
        attributes = self.attributes.get(user.id)
        if user.id in self.given_up:
            user = replace(user, username=self.given_up[user.id])
        if attributes is None and user.id in self.leaving:  # no record is left that could say anything
            return replace(user, enabled=False, gone_at=user.gone_at or self.transaction.now)
        if attributes is not None:
            gone_at = self._gone_at(user)
            user = replace(
                user,
                username=authority.name_of(Kind.USER, attributes),
                enabled=gone_at is None and authority.is_enabled(attributes),
                attributes={**authority.described(Kind.USER, attributes), **reference_attributes.kept(user.attributes)},
                gone_at=gone_at,
            )
        if referenced is not None:
            user = replace(user, attributes=reference_attributes.replaced(user.attributes, referenced))
        return user if organization_ids is None else replace(user, organization_ids=organization_ids)

    def _gone_at(self, user: User) -> datetime | None:
        if user.id not in self.recordless:
            return None
        return user.gone_at or (self.transaction.now if user.id in self.leaving else None)


def _update(transaction: SourceTransaction, changed: Sequence[tuple[User, User]]) -> set[str]:
    """Write and log users, each given as stored and as changed."""
    log = []
    for old, new in changed:
        moved = new.organization_ids != old.organization_ids
        new = replace(new, updated_at=transaction.now)
        log.append(object_changes.change(transaction, ChangeType.UPDATE, new, old.organization_ids if moved else ()))
    moved_ids = {one.object_id for one in log if one.organizations_before}
    users.update(transaction.connection, _users_of(log), moved_ids, {old.id: old for old, _ in changed})
    passwords.forget_verifiers(transaction.connection, [new.id for old, new in changed if _loses_verifiers(old, new)])
    _end_credentials(transaction, [new.id for old, new in changed if new.gone_at is not None and old.gone_at is None])
    return object_changes.append(transaction, log)


def _end_credentials(transaction: SourceTransaction, left: Collection[str]) -> None:
    """Delete all by which a person could log in here (law 14). Offline verifiers are forgotten with the right to log in."""
    passwords.clear_local_of(transaction.connection, left)
    application_passwords.remove_of_users(transaction.connection, left)


def _taken_over(transaction: SourceTransaction, removal: Removal, resolution: Resolution) -> set[str]:
    """Return the stored users to whom a rule has linked the record of a source that decides their passwords from now on. Their
    application passwords were made for whoever logged in before, of whom the source says nothing (law 14). An account that is
    made anew at the source takes nothing over."""
    source_id, rules = transaction.source_id, transaction.authority
    if source_id not in rules.passwords:
        return set()
    candidates = resolution.displaced.keys() - resolution.created.keys() - removal.lost_accounts.keys()
    if not candidates:
        return set()
    linked = {
        one.row.object_id: one.row.id
        for one in resolution.records.values()
        if one.kind is Kind.USER
        and one.row.object_id in candidates
        and (one.row.decided_by or "").startswith(DECIDED_BY_RULE)
        and (one.stored is None or one.stored.object_id != one.row.object_id)
    }
    others: dict[str, set[str]] = {object_id: set() for object_id in linked if object_id is not None}
    for row in record_rows.linked_to(transaction.connection, others):
        if row.object_id is not None and row.id != linked[row.object_id] and row.gone_at is None:
            others[row.object_id].add(row.source_id)
    return {one for one, sources in others.items() if rules.takes_over_passwords(source_id, sources)}


def _left_without_password(transaction: SourceTransaction, removal: Removal) -> set[str]:
    """Return the users whom this source has no more, though others do, and whose password no source checks from now on: what
    was made by that password ends with it (law 14). The record that takes the place of a lost one is linked already."""
    lost, vouched = removal.lost_accounts, transaction.authority.is_vouched_for
    if not lost or vouched is None:
        return set()
    accounts = records.accounts_by_user(transaction.connection, lost)
    former = former_accounts.by_user(transaction.connection, lost)
    ended = set()
    for user_id, account in lost.items():
        present, left = accounts.get(user_id, []), former.get(user_id, [])
        if vouched([*present, account], left) and not vouched(present, left):
            ended.add(user_id)
    return ended


def _create(
    transaction: SourceTransaction, places: OrganizationPlaces, renamed: RenamedRecords, resolved: Mapping[str, Attributes]
) -> set[str]:
    created = renamed.created_rows(Kind.USER)
    if not created:
        return set()
    placed = object_changes.place(transaction, places, Kind.USER, (), created)
    referenced = reference_attributes.find(transaction, Kind.USER, (), created)
    log = []
    for object_id, row in created.items():
        attributes = resolved[object_id]
        user = User(
            object_id,
            authority.name_of(Kind.USER, attributes),
            transaction.origin(row),
            transaction.now,
            transaction.now,
            authority.is_enabled(attributes),
            {**authority.described(Kind.USER, attributes), **referenced[object_id]},
            placed[object_id],
        )
        log.append(object_changes.change(transaction, ChangeType.CREATE, user))
    users.insert(transaction.connection, _users_of(log))
    return object_changes.append(transaction, log)


def _users_of(log: Sequence[Change]) -> list[User]:
    return [change.object for change in log if isinstance(change.object, User)]


def _loses_verifiers(old: User, new: User) -> bool:
    """Return whether the offline verifiers of the password, kept for binds while the source is away, count no more."""
    return not new.enabled or old.attributes.get(PASSWORD_CHANGED) != new.attributes.get(PASSWORD_CHANGED)


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    iterator = iter(ids)
    while chunk := list(islice(iterator, AT_ONCE)):
        yield chunk
