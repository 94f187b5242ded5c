"""The check of a person's password. There is one place that decides, in this order:

1. A password with the form of an application password is compared with the person's application passwords, and with nothing
   else: a revoked one must not count as a wrong password at the source.
2. When a source vouches for the person (password_authority.py says which: law 14), it is asked, and no other: neither a local
   password beside it nor one at another source counts. While the source cannot be reached, the password that it accepted lately
   does (offline_binds.py), where that is configured.
3. Else the local password.
4. A name that is unknown here is looked up at the sources with just-in-time provisioning (jit.py), where there are such.

Every refusal costs here what any other costs: one question upstream where there is one, one hash where there are hashes. It
is not promised that the time tells nothing: for an unknown name the question is about a name that no source has, and a source
that hashes slowly answers that sooner than a wrong password."""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import uuid4

from gateway.directory.authentication.account_status import AccountStatus, AccountStatusLookup
from gateway.directory.authentication.jit import JitOutcome, JitProvisioning
from gateway.directory.authentication.offline_binds import OfflineBinds, WrongOffline
from gateway.directory.authentication.password_authority import PasswordAuthority
from gateway.directory.authentication.password_hashing import PasswordHashing
from gateway.model.applications import ApplicationPassword
from gateway.model.connector import Authenticator, BindAnswer, BindOutcome, PolicyNotice
from gateway.model.errors import Busy, SourceUnavailable
from gateway.model.jit import ProvisionedUser
from gateway.model.records import Account
from gateway.store.clients import application_passwords
from gateway.store.engine.database import Connection, Database
from gateway.store.objects import passwords

OWN: Final = "gateway"
"""The source of passwords that are kept here, in the audit."""


class Refusal(StrEnum):
    """The gateway's own reasons for refusing, for the audit."""

    UNKNOWN = "unknown name"
    DISABLED = "disabled"
    NONE_KEPT = "no password is kept"
    """Neither a source that vouches nor a local password."""
    LEFT = "the source that checked the password has the user no more"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Proof:
    """The result of a password check. `notice`: of the source's password policy; `source_id`: the source that vouched, or
    refused ("" for the gateway itself); `application_password`: the one that it was; `offline`: the source could not be
    reached; `provisioned`: the user who was provisioned by it; `reason`: the source's reason for refusing, for the audit;
    `sub_code`: BindAnswer's."""

    right: bool
    notice: PolicyNotice | None = None
    source_id: str = ""
    application_password: ApplicationPassword | None = None
    offline: bool = False
    provisioned: ProvisionedUser | None = None
    reason: str = ""
    sub_code: str = ""

    @property
    def vouching(self) -> str:
        """The source that accepted or refused, for the audit ("gateway": a password that is kept here)."""
        return self.source_id or OWN

    @property
    def refusal(self) -> str:
        """The reason of a refusal, for the audit. Clients never see it."""
        return self.reason or Refusal.WRONG.value


class PasswordCheck:
    """The check of passwords. `authenticators` by source id; a source that is not among them cannot vouch for a password.
    `authority`: which of those that a person has accounts at decides; None: no configuration says it."""

    def __init__(
        self,
        database: Database,
        authenticators: Mapping[str, Authenticator],
        hashing: PasswordHashing,
        offline: OfflineBinds,
        jit: JitProvisioning | None = None,
        authority: PasswordAuthority | None = None,
    ) -> None:
        self._database = database
        self._authenticators = authenticators
        self._hashing = hashing
        self._offline = offline
        self._jit = jit
        self._statuses = AccountStatusLookup(database, authority or PasswordAuthority(authenticators))

    async def check(self, user_id: str | None, password: bytes, logins: Sequence[str] = ()) -> Proof:
        """Check this person's password. `user_id` None: an unknown name, which may be provisioned by one of these login names.
        Raises SourceUnavailable, Busy, StoreUnavailable."""
        wanted = user_id or str(uuid4())  # the lookup is made whether or not there is such a person
        if application_passwords.has_form(password):
            found = await self._database.read_inline(lambda c: application_passwords.verify(c, wanted, password))
            return Proof(found is not None, application_password=found)
        if user_id is None and logins and self._jit is not None:
            outcome = await self._jit.provision(logins, password)
            if outcome is not None:
                return await self._proof_of(outcome, password)
        status = await self.account_status(wanted)
        if not status.can_log_in:
            await self._decoy(password)
            await self._spend_a_hash(password)
            return Proof(False, reason=_refusal(status))
        if status.vouching:
            return await self._ask(wanted, status.vouching, password)
        if await self._hashing.verify(status.local_hash, password):
            return Proof(True)
        with contextlib.suppress(SourceUnavailable):  # no reason to doubt our own hash
            await self._decoy(password)
        return Proof(False)

    async def account_status(self, user_id: str) -> AccountStatus:
        """Return the account status of a person."""
        return self._statuses.at_once(user_id) or await self._statuses.of(user_id)

    def accounts_among(self, connection: Connection, user_ids: Collection[str]) -> Mapping[str, AccountStatus]:
        """Return the account statuses of these people, who need not exist."""
        return self._statuses.among(connection, user_ids)

    async def _proof_of(self, outcome: JitOutcome, password: bytes) -> Proof:
        provisioned = outcome.provisioned
        if provisioned is None or not (await self.account_status(provisioned.user_id)).enabled:
            await self._spend_a_hash(password)
            reason = outcome.reason or ("" if provisioned is None else Refusal.DISABLED)
            return Proof(False, outcome.notice, outcome.source_id, reason=reason, sub_code=outcome.sub_code)
        self._offline.accepted(provisioned.user_id, outcome.source_id, password)
        return Proof(True, outcome.notice, outcome.source_id, provisioned=provisioned)

    async def _ask(self, user_id: str, accounts: Sequence[Account], password: bytes) -> Proof:
        """Ask the sources in turn. Raises SourceUnavailable when none accepted and one could not be asked."""
        silent: dict[str, SourceUnavailable] = {}
        refusals: dict[str, BindAnswer] = {}
        for account in accounts:
            try:
                answer = await self._authenticators[account.source_id].authenticate(account.dn, password)
            except SourceUnavailable as error:
                silent[account.source_id] = error
                continue
            if answer.outcome is BindOutcome.ACCEPTED:
                self._offline.accepted(user_id, account.source_id, password)
                return Proof(True, answer.notice, account.source_id)
            refusals.setdefault(account.source_id, answer)
        if silent:
            return await self._ask_verifiers(user_id, silent, password)
        hashed = [await self._offline.refused(user_id, source_id, password) for source_id in refusals]
        if not any(hashed):
            await self._spend_a_hash(password)
        first, answer = next(iter(refusals.items()))
        return Proof(False, answer.notice, first, reason=answer.reason, sub_code=answer.sub_code)

    async def _ask_verifiers(self, user_id: str, silent: Mapping[str, SourceUnavailable], password: bytes) -> Proof:
        """Compare with the passwords that the sources which cannot be reached accepted lately."""
        asked = False
        for source_id in silent:
            if await self._offline.vouches(user_id, source_id, password):
                return Proof(True, source_id=source_id, offline=True)
            asked = asked or self._offline.keeps(source_id)
        error = next(iter(silent.values()))
        raise WrongOffline(str(error)) if asked else error

    async def _spend_a_hash(self, password: bytes) -> None:
        """Spend the time that a wrong password costs where there are hashes to compare it with."""
        if self._offline.enabled or await self._database.read_inline(passwords.any_local):
            with contextlib.suppress(Busy):  # it is refused already
                await self._hashing.verify(None, password)

    async def _decoy(self, password: bytes) -> None:
        for authenticator in self._authenticators.values():
            await authenticator.decoy(password)
            return


def _refusal(status: AccountStatus) -> Refusal:
    if not status.exists:
        return Refusal.UNKNOWN
    if not status.enabled:
        return Refusal.DISABLED
    return Refusal.LEFT if status.left else Refusal.NONE_KEPT
