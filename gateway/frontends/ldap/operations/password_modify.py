"""Password Modify (RFC 3062). The rules by which a party may change a password, and where it is changed, are in
gateway/directory/authentication/password_change.py."""

from twisted.internet.defer import CancelledError

from gateway.directory.authentication.authentication import InvalidCredentials
from gateway.directory.authentication.password_change import ChangeRefused, PasswordChanges
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import Responder
from gateway.frontends.ldap.core.results import SUCCESS, Refused, result_of
from gateway.frontends.ldap.operations.bind import policy_control
from gateway.model.connector import PolicyNotice
from gateway.wire import oids
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.errors import WireError
from gateway.wire.extended_values import PasswordModifyRequest, PasswordModifyResponse
from gateway.wire.messages import ExtendedRequest, ExtendedResponse
from gateway.wire.result_codes import ResultCode


def handle(exchange: Exchange, request: ExtendedRequest, responder: Responder) -> None:
    """Begin the change. Raises Refused for a value that cannot be read."""
    changes = exchange.services.password_changes
    if changes is None:
        raise Refused(ResultCode.UNWILLING_TO_PERFORM, "passwords are not changed here")
    try:
        asked = PasswordModifyRequest.decode(request.value)
        identity = (asked.user_identity or b"").decode()
    except (WireError, UnicodeDecodeError) as error:
        raise Refused(ResultCode.PROTOCOL_ERROR, "the request to change a password cannot be read") from error
    responder.begin(exchange.message_id, _change(exchange, responder, changes, identity, asked), "extended")


async def _change(
    exchange: Exchange, responder: Responder, changes: PasswordChanges, identity: str, asked: PasswordModifyRequest
) -> None:
    result, generated = SUCCESS, None
    notice: PolicyNotice | None = None
    try:
        changed = await changes.modify(exchange.party, identity, asked.old_password, asked.new_password, exchange.client.peer)
        notice, generated = changed.notice, changed.generated
    except CancelledError:  # abandoned: no answer, and it is not known whether it was done
        raise
    except Exception as error:
        result = result_of(error)
        notice = error.notice if isinstance(error, ChangeRefused | InvalidCredentials) else None
    value = None if generated is None else PasswordModifyResponse(generated).encode()
    policy = policy_control(notice) if oids.PASSWORD_POLICY in exchange.controls else b""
    answer = wrap(exchange.message_id, encode_operation(ExtendedResponse(result, None, value)), policy)
    responder.finish(exchange.message_id, "extended", result, answer)
