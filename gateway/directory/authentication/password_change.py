"""Changing passwords: the rules for the parties that may, and the place where a password is kept and so is changed
(password_check.py).

A person changes the own password, by the old one or after a bind with it; an application with the grant sets those of the
people whom it sees. A password that a source keeps is changed at the source, or not at all. No password is logged."""

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from gateway.directory.authentication.account_status import AccountStatus
from gateway.directory.authentication.authentication import Authentication, InvalidCredentials
from gateway.directory.authentication.bind_names import BindIdentity
from gateway.directory.authentication.offline_binds import OfflineBinds
from gateway.directory.authentication.password_check import PasswordCheck, Refusal
from gateway.directory.authentication.password_hashing import PasswordHashing
from gateway.directory.directory import Party
from gateway.model.applications import Grant
from gateway.model.connector import ChangeAnswer, PasswordChanger, PolicyNotice
from gateway.model.errors import GatewayError, NotFound, SourceRefused
from gateway.model.records import Account
from gateway.store.clients import application_passwords
from gateway.store.engine.database import Database
from gateway.store.objects import passwords as store
from gateway.wire.controls.bind_and_update import PasswordPolicyError
from gateway.wire.result_codes import ResultCode

_log = structlog.get_logger("gateway.password")

GENERATED_CHARACTERS = 16
_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""No characters that look alike: a generated password is read out and typed. 16 of them are 92 random bits."""


class ChangeRefused(GatewayError):
    """The password stays. The sentence is fit for the client; `notice`: of a password policy, ours or the source's."""

    def __init__(self, code: int, reason: str, notice: PolicyNotice | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.notice = notice


@dataclass(frozen=True, slots=True)
class Changed:
    """The password was changed. `generated`: the new password, when it was not given."""

    generated: bytes | None = field(default=None, repr=False)
    notice: PolicyNotice | None = None


class PasswordChanges:
    """The changes of passwords. `changers`: by source id, where people may change their passwords; `resetters`: where our own
    account may set them. `min_length`: characters of a local password."""

    def __init__(
        self,
        database: Database,
        authentication: Authentication,
        passwords: PasswordCheck,
        hashing: PasswordHashing,
        offline: OfflineBinds,
        now: Callable[[], datetime],
        *,
        changers: Mapping[str, PasswordChanger],
        resetters: Mapping[str, PasswordChanger],
        min_length: int = 8,
    ) -> None:
        self._database = database
        self._authentication = authentication
        self._passwords = passwords
        self._hashing = hashing
        self._offline = offline
        self.now = now
        self._changers = changers
        self._resetters = resetters
        self._min_length = min_length

    async def modify(self, party: Party, identity: str, old: bytes | None, new: bytes | None, peer: str) -> Changed:
        """Modify a password (RFC 3062). `identity`: a DN, a bind name or an authzId; "" is the party itself. `new` None: one is
        generated. Raises ChangeRefused, InvalidCredentials, InvalidDN, SourceUnavailable, StoreUnavailable, Busy,
        ViewNotReady."""
        if not identity and party.user_id is None:
            raise ChangeRefused(ResultCode.UNWILLING_TO_PERFORM, "say whose password: only people who have bound have one")
        if new == b"":
            raise ChangeRefused(ResultCode.CONSTRAINT_VIOLATION, "the new password is empty")
        named = await self._named(party, identity or f"dn:{party.dn}")
        if old is not None:
            return await self._by_old_password(named, identity or party.dn, old, new, peer)
        if party.application is not None:
            return await self._by_application(party, named, new)
        if named.user_id is None or named.user_id != party.user_id:
            raise ChangeRefused(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, "the old password is needed, or who may set this one")
        status = await self._passwords.account_status(named.user_id)
        if status.left:
            words = f"the source {status.left} checked the password and has the user no more: an administrator sets a new one"
            raise ChangeRefused(ResultCode.UNWILLING_TO_PERFORM, words)
        if status.vouching or not party.proved:
            where = _sources(status.vouching)
            words = f"the old password is needed{f' by the source that keeps it ({where})' if where else ''}"
            raise ChangeRefused(
                ResultCode.UNWILLING_TO_PERFORM, words, PolicyNotice(error=PasswordPolicyError.MUST_SUPPLY_OLD_PASSWORD)
            )
        return await self._set(status, new, party.dn)

    async def change_own(self, party: Party, name: str, old: bytes | None, new: bytes, peer: str) -> Changed:
        """Change the password of the party itself, which calls itself by the DN `name`, as `modify` does. Raises the same."""
        named = await self._named(party, f"dn:{name}")
        if named.user_id is None or named.user_id != party.user_id:
            raise ChangeRefused(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, "people change their own password, and nothing else")
        return await self.modify(party, f"dn:{name}", old, new, peer)

    async def reset(self, user_id: str, new: bytes | None, by: str) -> Changed:
        """Set a person's password without the old one. `by`: the party, for the log line; the caller has checked that it may.
        Raises NotFound, ChangeRefused, SourceRefused, SourceUnavailable, StoreUnavailable, Busy."""
        status = await self._passwords.account_status(user_id)
        if not status.exists:
            raise NotFound(f"There is no user {user_id}.")
        if not status.vouching:
            return await self._set(status, new, by)
        account = self._account(status.vouching, self._resetters)
        answer = await self._resetters[account.source_id].reset(account.dn, new)
        if answer.code == ResultCode.INVALID_CREDENTIALS:
            raise SourceRefused(f"source {account.source_id}: its bind_dn was refused: check bind_dn and password")
        changed = self._answered(answer, account, user_id, by)
        await self._offline.forget(user_id, account.source_id)
        return changed

    async def hashed(self, new: bytes) -> str:
        """Return the hash of a new local password, for a caller that stores it in a transaction of its own. Raises
        ChangeRefused, Busy."""
        if len(new.decode("utf-8", "replace")) < self._min_length:
            words = f"the password is too short: {self._min_length} characters are the least"
            raise ChangeRefused(
                ResultCode.CONSTRAINT_VIOLATION, words, PolicyNotice(error=PasswordPolicyError.PASSWORD_TOO_SHORT)
            )
        return await self._hashing.hash(new)

    def generate(self) -> bytes:
        """Return a new password that is easy to type and cannot be guessed."""
        characters = max(GENERATED_CHARACTERS, self._min_length)
        return "".join(secrets.choice(_ALPHABET) for _ in range(characters)).encode()

    async def clear(self, user_id: str, by: str) -> bool:
        """Delete a local password; return whether there was one."""
        cleared = await self._database.write(lambda connection: store.clear_local(connection, user_id))
        _log.info("password cleared", user=user_id, by=by, was_set=cleared)
        return cleared

    async def _named(self, party: Party, identity: str) -> BindIdentity:
        return await self._authentication.identity_of(identity, party) or await self._authentication.named(identity)

    async def _by_application(self, party: Party, named: BindIdentity, new: bytes | None) -> Changed:
        if party.application is None or Grant.PASSWORDS not in party.application.grants:
            raise ChangeRefused(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, 'the application does not have the grant "passwords"')
        if named.user_id is None or not self._authentication.sees(party, named):
            raise ChangeRefused(ResultCode.NO_SUCH_OBJECT, "")
        return await self.reset(named.user_id, new, party.dn)

    async def _by_old_password(self, named: BindIdentity, name: str, old: bytes, new: bytes | None, peer: str) -> Changed:
        """Change a password by the old one, under the soft lock, with the answer to a name that does not exist: passwords can
        be guessed here as by a bind."""
        if not old:
            raise InvalidCredentials(reason="no old password was sent")
        status = None if named.user_id is None else await self._passwords.account_status(named.user_id)
        keepers = [] if status is None else [one for one in status.vouching if one.source_id in self._changers]
        may_log_in = status is not None and status.enabled

        async def change() -> Changed:
            if keepers and may_log_in and not application_passwords.has_form(old):
                account = keepers[0]
                answer = await self._changers[account.source_id].change(account.dn, old, new)
                return self._answered(answer, account, named.user_id or "", named.name)
            proof = await self._passwords.check(named.user_id, old)
            if not proof.right or proof.application_password is not None or status is None:
                raise InvalidCredentials(proof.notice, reason=proof.refusal, source=proof.vouching)
            if status.vouching:
                self._account(status.vouching, ())
            return await self._set(status, new, named.name)

        changed = await self._authentication.guarded(named.key, name, peer, change)
        if keepers and named.user_id is not None:
            await self._offline.forget(named.user_id, keepers[0].source_id)
        return changed

    def _account(self, accounts: Collection[Account], allowed: Collection[str]) -> Account:
        for account in accounts:
            if account.source_id in allowed:
                return account
        raise ChangeRefused(
            ResultCode.UNWILLING_TO_PERFORM,
            f"this password is kept by its source ({_sources(accounts)}) and is not changed through the gateway: do it there",
            PolicyNotice(error=PasswordPolicyError.PASSWORD_MOD_NOT_ALLOWED),
        )

    def _answered(self, answer: ChangeAnswer, account: Account, user_id: str, by: str) -> Changed:
        if answer.code == ResultCode.INVALID_CREDENTIALS:
            raise InvalidCredentials(answer.notice, reason=Refusal.WRONG, source=account.source_id)
        if answer.code != ResultCode.SUCCESS:
            _log.warning("password not changed", user=user_id, by=by, source=account.source_id, code=answer.code)
            raise ChangeRefused(answer.code, answer.reason, answer.notice)
        _log.info("password changed", user=user_id, by=by, source=account.source_id)
        return Changed(answer.generated, answer.notice)

    async def _set(self, status: AccountStatus, new: bytes | None, by: str) -> Changed:
        """Set a local password."""
        chosen = new if new is not None else self.generate()
        password_hash, now = await self.hashed(chosen), self.now()
        await self._database.write(lambda c: store.set_local(c, status.user_id, password_hash, by=by, now=now))
        _log.info("password changed", user=status.user_id, by=by)
        return Changed(chosen if new is None else None)


def _sources(accounts: Collection[Account]) -> str:
    return ", ".join(dict.fromkeys(account.source_id for account in accounts))
