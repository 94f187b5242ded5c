"""Login names of users that are new or change theirs: each has one holder. The records of a user that does not get its name are
disputed (law 10).

A leaver keeps its login name only until a user who is present claims it: it gives the name up, and is another user than the one
that gets it."""

from collections.abc import Collection, Iterator, Mapping, Set
from typing import Final

from gateway.model.objects import Kind, User, Value
from gateway.model.records import Situation
from gateway.store.engine.column_codecs import encode_strings
from gateway.store.engine.database import Connection
from gateway.store.engine.normalized_keys import name_key
from gateway.store.objects import users
from gateway.store.records import records as stored_records
from gateway.sync.rules import authority, correlation
from gateway.sync.rules.correlation import Claim
from gateway.sync.source_transaction import SourceTransaction
from gateway.sync.stage_results import PendingRecords

GIVEN_UP: Final = "~"
"""Between the login name that a leaver had and its id: the name that it has from then on."""


def settle(
    transaction: SourceTransaction,
    records: PendingRecords,
    created: dict[str, int],
    attributes: dict[str, dict[str, tuple[Value, ...]]],
    current: Mapping[str, User],
    leaving: Collection[str],
    recordless: Set[str],
) -> dict[str, str]:
    """Let each user have the login name that its `attributes` claim, unless it is another one's. Of users that lose, new ones
    are taken from `created` and `attributes` again, and stored ones keep the name that they have. Return the leavers that give
    their login name up, each with the name that it gets. `leaving` as in Removal, `recordless` as in Resolution."""
    for user_id in recordless & attributes.keys() & current.keys():
        attributes[user_id]["username"] = (current[user_id].username,)  # what a leaver's record says is of the past
    claims = list(_claims(records, created, attributes, current))
    if not claims:
        return {}
    holders = users.ids_by_username_key(transaction.connection, {claim.key for claim in claims})
    stored = users.get_many(transaction.connection, holders.values()) if holders else {}
    left = {
        key: stored[holder]
        for key, holder in holders.items()
        if (stored[holder].gone_at is not None or holder in leaving) and (holder not in attributes or holder in recordless)
    }
    lost = correlation.losers(claims, {key: holder for key, holder in holders.items() if key not in left})
    if lost:
        _dispute(transaction, records, created, attributes, lost)
        for object_id in lost:
            created.pop(object_id, None)
            if object_id in current:
                attributes[object_id]["username"] = (current[object_id].username,)
            else:
                del attributes[object_id]
    won = {claim.key for claim in claims if claim.object_id not in lost}
    given_up = {user.id: _name_without_claim(transaction.connection, user) for key, user in left.items() if key in won}
    for user_id in given_up.keys() & attributes.keys():
        attributes[user_id]["username"] = (given_up[user_id],)
    return given_up


def _name_without_claim(connection: Connection, user: User) -> str:
    """Return a login name for a leaver that nobody has."""
    name = f"{user.username[: correlation.MAX_NAME_CHARACTERS // 2]}{GIVEN_UP}{user.id}"
    while users.id_by_username(connection, name) is not None:
        name += GIVEN_UP
    return name


def _claims(
    records: PendingRecords,
    created: Mapping[str, int],
    attributes: Mapping[str, dict[str, tuple[Value, ...]]],
    current: Mapping[str, User],
) -> Iterator[Claim]:
    for object_id, resolved in attributes.items():
        user = current.get(object_id)
        if user is not None or (object_id in created and records[created[object_id]].kind is Kind.USER):
            held = None if user is None else name_key(user.username)
            wanted = name_key(authority.name_of(Kind.USER, resolved))
            if wanted != held:
                yield Claim(object_id, wanted, held)


def _dispute(
    transaction: SourceTransaction,
    records: PendingRecords,
    created: Mapping[str, int],
    attributes: Mapping[str, dict[str, tuple[Value, ...]]],
    lost: Mapping[str, str],
) -> None:
    """Make the records of the users that lose disputed. `lost`: each with the user that has the name instead."""
    for record in records.values():
        object_id = record.row.object_id
        if object_id is None or object_id not in lost or record.row.situation != Situation.LINKED.value:
            continue
        holder = lost[object_id]
        owner = (
            _named(records[created[holder]].row.dn, transaction.source_id)
            if holder in created
            else _described(transaction.connection, holder)
        )
        name = authority.name_of(Kind.USER, attributes[object_id])
        record.row = record.row._replace(
            situation=Situation.DISPUTED.value,
            reason=correlation.disputed_reason(name, record.row.dn, owner),
            candidates=encode_strings(() if holder in created else (holder,)),
        )
        if object_id in created:
            record.row = record.row._replace(object_id=None, decided_by=None, decided_at=None)


def _described(connection: Connection, user_id: str) -> str:
    """Return a stored user by the name and source of its first record."""
    for account in stored_records.accounts(connection, user_id):
        return _named(account.dn, account.source_id)
    return f"user {user_id}"


def _named(spelled: str, source_id: str) -> str:
    return f"{spelled or 'a user'} (source {source_id})"
