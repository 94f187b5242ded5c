"""Password Modify (RFC 3062): who may change whose password, and where, is said in
gateway/directory/authentication/password_change.py."""

from typing import TYPE_CHECKING

from twisted.internet.defer import CancelledError

from gateway.directory.authentication.authentication import InvalidCredentials
from gateway.directory.authentication.password_change import ChangeRefused
from gateway.frontends.ldap.core.results import SUCCESS, Refused, of_error
from gateway.frontends.ldap.operations.bind import policy_control
from gateway.model.connector import PolicyNotice
from gateway.wire import oids
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.errors import WireError
from gateway.wire.extended_values import PasswordModifyRequest, PasswordModifyResponse
from gateway.wire.messages import Control, ExtendedRequest, ExtendedResponse
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection


def handle(connection: "LDAPConnection", message_id: int, request: ExtendedRequest, with_controls: dict[str, Control]) -> None:
    """Begins it. Raises Refused for a value that cannot be read."""
    if connection.services.password_changes is None:
        raise Refused(ResultCode.UNWILLING_TO_PERFORM, "passwords are not changed here")
    try:
        asked = PasswordModifyRequest.decode(request.value)
        identity = (asked.user_identity or b"").decode()
    except (WireError, UnicodeDecodeError) as error:
        raise Refused(ResultCode.PROTOCOL_ERROR, "the request to change a password cannot be read") from error
    changing = _change(connection, message_id, identity, asked, tell_policy=oids.PASSWORD_POLICY in with_controls)
    connection.begin(message_id, changing, "extended")


async def _change(
    connection: "LDAPConnection", message_id: int, identity: str, asked: PasswordModifyRequest, *, tell_policy: bool
) -> None:
    changes, party = connection.services.password_changes, connection.party
    assert changes is not None  # noqa: S101
    result, generated = SUCCESS, None
    notice: PolicyNotice | None = None
    try:
        changed = await changes.modify(party, identity, asked.old_password, asked.new_password, connection.peer)
        notice, generated = changed.notice, changed.generated
    except CancelledError:  # abandoned: no answer, and nobody knows whether it was done
        raise
    except Exception as error:
        result = of_error(error)
        notice = error.notice if isinstance(error, ChangeRefused | InvalidCredentials) else None
    value = None if generated is None else PasswordModifyResponse(generated).encode()
    told = policy_control(notice) if tell_policy else b""
    answer = wrap(message_id, encode_operation(ExtendedResponse(result, None, value)), told)
    connection.finish(message_id, "extended", result, answer)
