"""Pass-through authentication: a password is checked by a bind at the upstream, and changed there by RFC 3062. The
Authenticator and the PasswordChanger of the LDAP sources.

Runs in the reactor and never blocks it. A password is sent once; it is not kept, logged or retried."""

import secrets
from collections.abc import Coroutine
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from gateway.connectors.ldap.bind import ad_error_codes
from gateway.connectors.ldap.bind.client import Answer, BindClient
from gateway.connectors.ldap.bind.pool import BindPool
from gateway.connectors.ldap.bind.settings import PassThroughSettings
from gateway.connectors.ldap.client.errors import TEMPORARY, UpstreamUnavailable, name_of
from gateway.model.connector import BindAnswer, BindOutcome, ChangeAnswer
from gateway.wire.extended_values import PasswordModifyRequest
from gateway.wire.result_codes import ResultCode

OUTCOMES: Final[dict[int, BindOutcome]] = {
    ResultCode.SUCCESS: BindOutcome.ACCEPTED,
    ResultCode.INVALID_CREDENTIALS: BindOutcome.REFUSED,
    ResultCode.NO_SUCH_OBJECT: BindOutcome.REFUSED,  # the answer of some servers to an unknown name
    ResultCode.INVALID_DN_SYNTAX: BindOutcome.REFUSED,
    ResultCode.INAPPROPRIATE_AUTHENTICATION: BindOutcome.REFUSED,  # the entry has no password
    ResultCode.CONSTRAINT_VIOLATION: BindOutcome.REFUSED,  # 389 Directory Server: too many failures
    ResultCode.INSUFFICIENT_ACCESS_RIGHTS: BindOutcome.REFUSED,
    ResultCode.UNWILLING_TO_PERFORM: BindOutcome.REFUSED,  # locked or disabled
}
"""The outcome of a bind by result code. Every other code is no statement about the password: the upstream counts as
unavailable (law 8)."""


class PassThroughAuthenticator:
    """An Authenticator and a PasswordChanger (gateway.model.connector)."""

    def __init__(self, settings: PassThroughSettings, reactor: IReactorTime) -> None:
        self._settings = settings
        self._reactor = reactor
        self._pool = BindPool(settings, reactor)

    def authenticate(self, dn: str, password: bytes) -> Coroutine["Deferred[object]", object, BindAnswer]:
        """See Authenticator.authenticate. Raises ValueError before the first await for an empty password or DN: either makes
        the bind anonymous, which every server accepts (RFC 4513 §5.1)."""
        _require_credentials(dn, password)
        return self._pool.run(lambda client, until: self._bind(client, dn, password, until))

    async def decoy(self, password: bytes) -> None:
        """See Authenticator.decoy."""
        base = f",{self._settings.decoy_base}" if self._settings.decoy_base else ""
        await self.authenticate(f"cn=decoy-{secrets.token_hex(8)}{base}", password)

    def change(self, dn: str, old: bytes, new: bytes | None) -> "Deferred[ChangeAnswer]":
        """See PasswordChanger.change. Raises ValueError as `authenticate`."""
        _require_credentials(dn, old)
        return Deferred.fromCoroutine(
            self._pool.run(lambda client, until: self._change(client, (dn, old), dn, old, new, until))
        )

    def reset(self, dn: str, new: bytes | None) -> "Deferred[ChangeAnswer]":
        """See PasswordChanger.reset."""
        upstream = self._settings.upstream
        account = (upstream.bind_dn, upstream.current_password.encode())
        return Deferred.fromCoroutine(self._pool.run(lambda client, until: self._change(client, account, dn, None, new, until)))

    def close(self) -> None:
        """Drop all connections; requests in flight raise SourceUnavailable."""
        self._pool.close()

    async def _bind(self, client: BindClient, dn: str, password: bytes, until: float) -> BindAnswer:
        answer = await client.simple_bind(self._reactor, dn, password, until - self._reactor.seconds())
        outcome = OUTCOMES.get(answer.code)
        cause = ad_error_codes.cause(answer.diagnostic) if answer.code == ResultCode.INVALID_CREDENTIALS else None
        if outcome is None or (cause is not None and not cause.concerns_password):
            raise _no_answer(client, "a bind", answer)
        return BindAnswer(outcome, answer.notice) if cause is None else BindAnswer(outcome, *cause.told)

    async def _change(
        self, client: BindClient, account: tuple[str, bytes], dn: str, old: bytes | None, new: bytes | None, until: float
    ) -> ChangeAnswer:
        try:
            bound = await self._bind(client, *account, until)
            if bound.outcome is not BindOutcome.ACCEPTED:
                return ChangeAnswer(ResultCode.INVALID_CREDENTIALS, notice=bound.notice)
            request = PasswordModifyRequest(dn.encode(), old, new)
            answer = await client.modify_password(self._reactor, request, self._settings.bind_seconds)
        finally:
            client.drop()  # the next user of the connection must not find an account bound that may change passwords
        if answer.code in TEMPORARY:
            raise _no_answer(client, "a change of password", answer)
        return ChangeAnswer(answer.code, answer.diagnostic, answer.notice, answer.generated)


def _require_credentials(dn: str, password: bytes) -> None:
    if not password or not dn:
        raise ValueError("a bind without a name or without a password proves nothing")


def _no_answer(client: BindClient, what: str, answer: Answer) -> UpstreamUnavailable:
    words = f"{what} was answered by {name_of(answer.code)} {answer.diagnostic!r}"
    return UpstreamUnavailable(client.place, words, "see its log")
