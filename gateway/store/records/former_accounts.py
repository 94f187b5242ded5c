"""Former accounts of users: what a source that has them no more said last about who they are there. Whoever checked a password
is missed when it goes (directory/authentication/password_authority.py); the rows are deleted with their user."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select

from gateway.model.records import Account
from gateway.store.engine import bulk
from gateway.store.engine.any_of import any_of
from gateway.store.engine.column_codecs import milliseconds, time_of
from gateway.store.records.record_rows import RecordRow
from gateway.store.tables.former_accounts import former_accounts

_AMONG = select(former_accounts).where(any_of(former_accounts.c.user_id, "users")).order_by(former_accounts.c.left_at)
_FORGET = delete(former_accounts).where(former_accounts.c.user_id == bindparam("user"))


class FormerAccount(NamedTuple):
    """`left_at`: when the source had the user no more."""

    account: Account
    left_at: datetime


def by_user(connection: Connection, user_ids: Collection[str]) -> dict[str, list[FormerAccount]]:
    """Return the former accounts of several users, for each the one that left first in front; a user without any is left
    out."""
    found: dict[str, list[FormerAccount]] = {}
    for user_id, source_id, external_id, dn, decided_by, left_at in connection.execute(_AMONG, {"users": user_ids}):
        account = Account(source_id, external_id, dn, decided_by)
        found.setdefault(user_id, []).append(FormerAccount(account, time_of(left_at)))
    return found


# ---- writing: for gateway/sync, under the lock of the change log


def add(connection: Connection, rows: Iterable[RecordRow], now: datetime) -> None:
    """Note that users lost these records; of a source's earlier one nothing is kept."""
    at = milliseconds(now)
    left = {
        (row.object_id, row.source_id): (row.object_id, row.source_id, row.external_id, row.dn, row.decided_by or "", at)
        for row in rows
    }
    bulk.delete(connection, former_accounts, ("user_id", "source_id"), list(left))
    bulk.insert(connection, former_accounts, list(left.values()))


def forget(connection: Connection, user_id: str) -> None:
    """Forget the former accounts of a user: a person has decided that they do not matter."""
    connection.execute(_FORGET, {"user": user_id})
