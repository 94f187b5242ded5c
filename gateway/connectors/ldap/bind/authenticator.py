"""Asking an LDAP upstream whether a password is right, by binding there, and changing it there by RFC 3062: the Authenticator
and the PasswordChanger of the LDAP sources.

Runs in the reactor and never blocks it. A password is sent once: it is not kept, not logged and not tried again."""

import secrets
from collections.abc import Coroutine
from typing import Any, Final

from twisted.internet.defer import Deferred

from gateway.connectors.ldap.bind import ad_error_codes
from gateway.connectors.ldap.bind.client import Answer, BindClient
from gateway.connectors.ldap.bind.pool import BindPool, PassThroughSettings
from gateway.connectors.ldap.client.errors import TEMPORARY, UpstreamUnavailable, name_of
from gateway.model.connector import BindAnswer, BindOutcome, ChangeAnswer
from gateway.wire.extended_values import PasswordModifyRequest
from gateway.wire.result_codes import ResultCode

__all__ = ["RESULTS", "PassThroughAuthenticator", "PassThroughSettings"]

RESULTS: Final[dict[int, BindOutcome]] = {
    ResultCode.SUCCESS: BindOutcome.ACCEPTED,
    ResultCode.INVALID_CREDENTIALS: BindOutcome.REFUSED,
    ResultCode.NO_SUCH_OBJECT: BindOutcome.REFUSED,  # some servers say so of an unknown name
    ResultCode.INVALID_DN_SYNTAX: BindOutcome.REFUSED,
    ResultCode.INAPPROPRIATE_AUTHENTICATION: BindOutcome.REFUSED,  # the entry has no password
    ResultCode.CONSTRAINT_VIOLATION: BindOutcome.REFUSED,  # 389 Directory Server: too many failures
    ResultCode.INSUFFICIENT_ACCESS_RIGHTS: BindOutcome.REFUSED,
    ResultCode.UNWILLING_TO_PERFORM: BindOutcome.REFUSED,  # locked or disabled
}
"""What an answer says of the password. Every other code says nothing of it: the upstream counts as unavailable (law 8)."""


class PassThroughAuthenticator:
    """An Authenticator and a PasswordChanger (gateway.model.connector)."""

    def __init__(self, settings: PassThroughSettings, reactor: Any) -> None:
        self._settings = settings
        self._reactor = reactor
        self._pool = BindPool(settings, reactor)

    def authenticate(self, dn: str, password: bytes) -> Coroutine[Any, Any, BindAnswer]:
        """See Authenticator.authenticate. Raises ValueError at once for an empty password or an empty DN: both would make
        the bind anonymous, which every server accepts (RFC 4513 §5.1)."""
        _check_proof(dn, password)
        return self._pool.ask(lambda client, until: self._bind(client, dn, password, until))

    async def decoy(self, password: bytes) -> None:
        """See Authenticator.decoy."""
        base = f",{self._settings.decoy_base}" if self._settings.decoy_base else ""
        await self.authenticate(f"cn=decoy-{secrets.token_hex(8)}{base}", password)

    def change(self, dn: str, old: bytes, new: bytes | None) -> "Deferred[ChangeAnswer]":
        """See PasswordChanger.change. Raises ValueError as `authenticate`."""
        _check_proof(dn, old)
        return Deferred.fromCoroutine(
            self._pool.ask(lambda client, until: self._change(client, (dn, old), dn, old, new, until))
        )

    def reset(self, dn: str, new: bytes | None) -> "Deferred[ChangeAnswer]":
        """See PasswordChanger.reset."""
        upstream = self._settings.upstream
        account = (upstream.bind_dn, upstream.password.encode())
        return Deferred.fromCoroutine(self._pool.ask(lambda client, until: self._change(client, account, dn, None, new, until)))

    def close(self) -> None:
        """Drop all connections; what is in flight raises SourceUnavailable."""
        self._pool.close()

    async def _bind(self, client: BindClient, dn: str, password: bytes, until: float) -> BindAnswer:
        answer = await client.simple_bind(self._reactor, dn, password, until - self._reactor.seconds())
        outcome = RESULTS.get(answer.code)
        said = ad_error_codes.meaning(answer.words) if answer.code == ResultCode.INVALID_CREDENTIALS else None
        if outcome is None or (said is not None and not said.of_password):
            raise _no_answer(client, "a bind", answer)
        return BindAnswer(outcome, answer.notice) if said is None else BindAnswer(outcome, said.notice, said.reason)

    async def _change(
        self, client: BindClient, who: tuple[str, bytes], dn: str, old: bytes | None, new: bytes | None, until: float
    ) -> ChangeAnswer:
        try:
            bound = await self._bind(client, *who, until)
            if bound.outcome is not BindOutcome.ACCEPTED:
                return ChangeAnswer(ResultCode.INVALID_CREDENTIALS, notice=bound.notice)
            request = PasswordModifyRequest(dn.encode(), old, new)
            answer = await client.modify_password(self._reactor, request, self._settings.bind_seconds)
        finally:
            client.drop()  # nobody shall find it bound to an account that may change passwords
        if answer.code in TEMPORARY:
            raise _no_answer(client, "a change of password", answer)
        return ChangeAnswer(answer.code, answer.words, answer.notice, answer.generated)


def _check_proof(dn: str, password: bytes) -> None:
    if not password or not dn:
        raise ValueError("a bind without a name or without a password proves nothing")


def _no_answer(client: BindClient, what: str, answer: Answer) -> UpstreamUnavailable:
    words = f"{what} was answered by {name_of(answer.code)} {answer.words!r}"
    return UpstreamUnavailable(client.place, words, "see its log")
