"""The account status of a person, which is needed before a password is checked: whether they may log in, and which sources
vouch for them.

An embedded store is read inline. With a server, binds come in crowds: those that wait for the store at the
same time are answered by one transaction, which begins after the last of them has asked."""

from collections.abc import Collection
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred

from gateway.directory.authentication.password_authority import PasswordAuthority, PasswordDecision
from gateway.model.records import Account
from gateway.store.engine.batched_reads import BatchedReads
from gateway.store.engine.database import Connection, Database
from gateway.store.objects import passwords, users
from gateway.store.objects.passwords import LocalPassword
from gateway.store.records import former_accounts, records


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """The account status of one person. `vouching`: the accounts whose sources check the password, the deciding one
    first (password_authority.py); `local_hash`: only where it counts; `left`: the source that decided and has the person no
    more, "" when there is none such."""

    user_id: str
    exists: bool
    enabled: bool
    vouching: tuple[Account, ...]
    local_hash: str | None = field(repr=False)
    left: str = ""

    @property
    def can_log_in(self) -> bool:
        """True when there is a password with which the person can log in."""
        return self.enabled and bool(self.vouching or self.local_hash)

    def is_vouched_for(self, source_id: str) -> bool:
        """Return whether a password that this source accepted ("": the gateway itself) still opens the account."""
        if not self.enabled:
            return False
        return any(one.source_id == source_id for one in self.vouching) if source_id else self.local_hash is not None


class AccountStatusLookup:
    """The lookups of account statuses. `authority`: decides which accounts vouch."""

    def __init__(self, database: Database, authority: PasswordAuthority) -> None:
        self._database = database
        self._authority = authority
        self._reads = BatchedReads(database, self.among)

    def at_once(self, user_id: str) -> AccountStatus | None:
        """Return the status, where the store can be read inline; None where it cannot."""
        seen = self._database.login_state_inline(user_id)
        if seen is None or seen.has_former:
            return None
        vouching = self._authority.decide(seen.accounts).vouching
        return AccountStatus(user_id, seen.exists, seen.enabled, vouching, None if vouching else seen.local_hash)

    def of(self, user_id: str) -> "Deferred[AccountStatus]":
        """Return the status of one person, who need not exist. Fails with StoreUnavailable."""
        return self._reads.get(user_id)

    def among(self, connection: Connection, user_ids: Collection[str]) -> dict[str, AccountStatus]:
        """Return the statuses of several people, who need not exist."""
        enabled = users.enabled_by_id(connection, user_ids)
        accounts, former = records.accounts_by_user(connection, user_ids), former_accounts.by_user(connection, user_ids)
        decided = {user_id: self._authority.decide(accounts.get(user_id, ()), former.get(user_id, ())) for user_id in user_ids}
        on_their_own = [user_id for user_id, decision in decided.items() if not decision.vouching]
        local = passwords.local_passwords_of(connection, on_their_own) if on_their_own else {}
        return {user_id: _status(user_id, enabled.get(user_id), decided[user_id], local.get(user_id)) for user_id in user_ids}


def _status(user_id: str, enabled: bool | None, decision: PasswordDecision, local: LocalPassword | None) -> AccountStatus:
    """`enabled` None: there is no such user."""
    local_hash = local.hash if local is not None and decision.takes_local(local.set_at) else None
    left = "" if decision.left is None else decision.left.account.source_id
    return AccountStatus(user_id, enabled is not None, bool(enabled), decision.vouching, local_hash, left)


def password_decision(connection: Connection, user_id: str, authority: PasswordAuthority) -> PasswordDecision:
    """Return which sources check a user's password, and why."""
    former = former_accounts.by_user(connection, (user_id,)).get(user_id, ())
    return authority.decide(records.accounts(connection, user_id), former)
