"""The own password by Modify of userPassword, as programs change it that do not know Password Modify (RFC 3062): deletion of
the old value and addition of the new one, or replacement. The same rules count, and the same places
(gateway/directory/authentication/password_change.py)."""

from collections.abc import Sequence
from typing import NamedTuple

from twisted.internet.defer import CancelledError

from gateway.directory.authentication.authentication import InvalidCredentials
from gateway.directory.authentication.password_change import ChangeRefused, PasswordChanges
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.writes.modifications import check_options
from gateway.directory.writes.write_errors import WriteRefused
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import Responder
from gateway.frontends.ldap.core.results import SUCCESS, Refused, result_of
from gateway.frontends.ldap.operations.bind import policy_control
from gateway.frontends.ldap.search import assertion
from gateway.model.connector import PolicyNotice
from gateway.wire import oids
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.messages import ADD, DELETE, REPLACE, Modification, ModifyRequest, ModifyResponse, Result
from gateway.wire.result_codes import ResultCode

USER_PASSWORD = "userpassword"  # noqa: S105  (the attribute's key)


class _Asked(NamedTuple):
    """The old password, None when it is not given, and the new one. Never printed."""

    old: bytes | None
    new: bytes

    def __repr__(self) -> str:
        return "_Asked(…)"


def is_meant(exchange: Exchange, request: ModifyRequest) -> bool:
    """Return whether a person asks for the password, and for nothing else."""
    by_person = exchange.party.user_id is not None and exchange.party.application is None
    return by_person and all(attribute_key(one.attribute.type) == USER_PASSWORD for one in request.changes)


def handle(exchange: Exchange, request: ModifyRequest, responder: Responder) -> None:
    """Begin the change. Raises Refused for modifications that are no change of one password into another."""
    changes = exchange.services.password_changes
    if changes is None:
        raise Refused(ResultCode.UNWILLING_TO_PERFORM, "passwords are not changed here")
    work = _change(exchange, responder, changes, request.object_name, _asked(request.changes))
    responder.begin(exchange.message_id, work, "modify", exclusive=True)


def _asked(modifications: Sequence[Modification]) -> _Asked:
    old: bytes | None = None
    new: bytes | None = None
    for one in modifications:
        try:
            check_options(one.attribute.type)
        except WriteRefused as error:  # `userPassword;lang-en` is not userPassword
            raise Refused(ResultCode.UNDEFINED_ATTRIBUTE_TYPE, str(error)) from error
        values = one.attribute.values
        if len(values) > 1 or one.operation not in (ADD, DELETE, REPLACE):
            raise Refused(ResultCode.CONSTRAINT_VIOLATION, "a person has one password here")
        if one.operation == DELETE:
            old, new = (values[0] if values else old), None
        else:
            new = values[0] if values else None
    if new is None:
        raise Refused(ResultCode.UNWILLING_TO_PERFORM, "a password is replaced by another, and not taken away")
    if modifications[0].operation == ADD:
        words = "a person has one password here: replace it, or delete the old one first"
        raise Refused(ResultCode.CONSTRAINT_VIOLATION, words)
    return _Asked(old, new)


async def _change(exchange: Exchange, responder: Responder, changes: PasswordChanges, name: str, asked: _Asked) -> None:
    result: Result = SUCCESS
    notice: PolicyNotice | None = None
    try:
        assertion.check(exchange, name)
        notice = (await changes.change_own(exchange.party, name, asked.old, asked.new, exchange.client.peer)).notice
    except CancelledError:  # abandoned: no answer, and it is not known whether it was done
        raise
    except InvalidCredentials as error:
        result, notice = Result(ResultCode.NO_SUCH_ATTRIBUTE, "", "userPassword does not have this value"), error.notice
    except Exception as error:
        result = result_of(error)
        notice = error.notice if isinstance(error, ChangeRefused) else None
    policy = policy_control(notice) if oids.PASSWORD_POLICY in exchange.controls else b""
    responder.finish(
        exchange.message_id, "modify", result, wrap(exchange.message_id, encode_operation(ModifyResponse(result)), policy)
    )
