"""unicodePwd, as programs of Active Directory write passwords ([MS-ADTS] §3.1.1.3.1.5.1): the password in quotes, UTF-16LE,
over an encrypted connection alone. Replacing it is a reset, by an application that may; deleting the old value and adding the
new one is a change by the old password, by anyone who has it. Errors are in the domain's words."""

from collections.abc import Sequence
from typing import Final

from twisted.internet.defer import CancelledError

from gateway.directory.authentication.authentication import InvalidCredentials
from gateway.directory.authentication.password_change import PasswordChanges
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.projection.view_definition import View
from gateway.frontends.ldap.core.exchange import Client, Exchange
from gateway.frontends.ldap.core.responder import Responder
from gateway.frontends.ldap.core.results import SUCCESS, Refused, result_of
from gateway.frontends.ldap.search import assertion
from gateway.frontends.ldap.search.request import named
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.messages import ADD, DELETE, Modification, ModifyRequest, ModifyResponse, Result
from gateway.wire.result_codes import ResultCode

UNICODE_PWD: Final = "unicodepwd"  # noqa: S105 (the attribute's key)

_UNWILLING = "0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0: {}"
_WRONG_OLD = "00000056: AtrErr: DSID-03191083, #1: problem 1005 (CONSTRAINT_ATT_TYPE), data 0, Att 9005a (unicodePwd)"
_DENIED = "00000005: SecErr: DSID-031A1190, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0: {}"


def is_password(view: View, description: str) -> bool:
    """Return whether an attribute is unicodePwd, and means the password."""
    return view.kind == "ad" and attribute_key(description) == UNICODE_PWD


def password_of(client: Client, values: Sequence[bytes]) -> bytes:
    """Return the password in the values of unicodePwd. Raises Refused."""
    if not client.is_encrypted:
        raise _unwilling("passwords are taken over TLS only")
    if len(values) != 1:
        raise Refused(ResultCode.CONSTRAINT_VIOLATION, "unicodePwd has one value")
    try:
        text = values[0].decode("utf-16-le")
    except UnicodeDecodeError:
        text = ""
    if len(text) < len('""') or text[0] != '"' or text[-1] != '"':
        raise _unwilling("the password must be in quotes, UTF-16LE")
    return text[1:-1].encode()


def handle_change(exchange: Exchange, request: ModifyRequest, responder: Responder) -> bool:
    """Begin the change by the old password, if the request is one; return whether it is. Raises Refused."""
    if not any(attribute_key(one.attribute.type) == UNICODE_PWD for one in request.changes):
        return False
    view = exchange.services.directory.view_of(exchange.party, named(request.object_name)[1])
    if view is None or view.kind != "ad":
        return False
    if not _is_by_old_password(request.changes):
        if exchange.party.user_id is not None:
            raise Refused(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, _DENIED.format("delete the old value and add the new one"))
        return False
    changes = exchange.services.password_changes
    if changes is None:
        raise Refused(ResultCode.UNWILLING_TO_PERFORM, "passwords are not changed here")
    old, new = (password_of(exchange.client, one.attribute.values) for one in request.changes)
    work = _change(exchange, responder, changes, request.object_name, old, new)
    responder.begin(exchange.message_id, work, "modify", exclusive=True)
    return True


def _is_by_old_password(changes: Sequence[Modification]) -> bool:
    operations = [one.operation for one in changes if attribute_key(one.attribute.type) == UNICODE_PWD]
    return len(changes) == len(operations) and operations == [DELETE, ADD]


async def _change(
    exchange: Exchange, responder: Responder, changes: PasswordChanges, name: str, old: bytes, new: bytes
) -> None:
    result = SUCCESS
    try:
        assertion.check(exchange, name)
        await changes.modify(exchange.party, f"dn:{name}", old, new, exchange.client.peer)
    except CancelledError:  # abandoned: no answer, and it is not known whether it was done
        raise
    except InvalidCredentials:
        result = Result(ResultCode.CONSTRAINT_VIOLATION, "", _WRONG_OLD)
    except Exception as error:
        result = result_of(error)
    answer = wrap(exchange.message_id, encode_operation(ModifyResponse(result)))
    responder.finish(exchange.message_id, "modify", result, answer)


def _unwilling(why: str) -> Refused:
    return Refused(ResultCode.UNWILLING_TO_PERFORM, _UNWILLING.format(why))
