"""Results: error → resultCode in one table, and the bytes of the answers that are sent most.

An unexpected error is logged in full; the client is sent one fixed sentence."""

from collections.abc import Mapping
from typing import Final

import structlog

from gateway.directory.authentication.authentication import AuthorizationDenied, EmptyPassword, InvalidCredentials
from gateway.directory.authentication.password_change import ChangeRefused
from gateway.directory.directory import ViewNotReady
from gateway.directory.search.query import NoSuchObject
from gateway.model.errors import Busy, OutcomeUnknown, SourceRefused, SourceUnavailable, StoreUnavailable
from gateway.model.ldap.dn import InvalidDN
from gateway.wire.codec.encoder import wrap
from gateway.wire.messages import Result
from gateway.wire.result_codes import ResultCode

_log = structlog.get_logger("gateway.ldap")


class Refused(Exception):
    """The end of an operation with this result."""

    def __init__(self, code: ResultCode, diagnostic_message: str = "", matched_dn: str = "") -> None:
        super().__init__(diagnostic_message)
        self.result = Result(code, matched_dn, diagnostic_message)


_UNEXPECTED: Final = "an internal error occurred; the gateway's log has the details"

_ACCEPT_SECURITY_CONTEXT: Final = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {}, v4563"
"""The words of a domain controller that refuses a bind, by which programs know a sub-code."""

_RESULTS: Mapping[type[Exception], tuple[ResultCode, str | None]] = {
    EmptyPassword: (
        ResultCode.UNWILLING_TO_PERFORM,
        "unauthenticated bind (a DN without a password) is refused; send the password, or bind anonymously with an empty DN",
    ),
    AuthorizationDenied: (ResultCode.AUTHORIZATION_DENIED, "this identity may not be assumed"),
    Busy: (ResultCode.BUSY, None),
    InvalidDN: (ResultCode.INVALID_DN_SYNTAX, None),
    ViewNotReady: (ResultCode.UNAVAILABLE, None),
    SourceUnavailable: (ResultCode.UNAVAILABLE, "the directory that holds this account cannot be reached; try again later"),
    SourceRefused: (ResultCode.UNAVAILABLE, "the directory that holds this account refused to answer; see the gateway's log"),
    OutcomeUnknown: (
        ResultCode.UNAVAILABLE,
        "the gateway's store did not answer: whether this was done is not known; read the entry before you repeat it",
    ),
    StoreUnavailable: (ResultCode.UNAVAILABLE, "the gateway's store cannot be reached; try again later"),
}
"""None: the error's own sentence is fit for the client. The first row that fits counts."""


def result_of(error: Exception) -> Result:
    """Return the result by which a client learns of an error; one that is not in the table is logged."""
    if isinstance(error, Refused):
        return error.result
    if isinstance(error, InvalidCredentials):
        return Result(
            ResultCode.INVALID_CREDENTIALS, "", _ACCEPT_SECURITY_CONTEXT.format(error.sub_code) if error.sub_code else ""
        )
    if isinstance(error, ChangeRefused):
        return Result(error.code, "", str(error))
    if isinstance(error, NoSuchObject):
        return Result(ResultCode.NO_SUCH_OBJECT, error.matched_dn)
    for kind, (code, sentence) in _RESULTS.items():
        if isinstance(error, kind):
            if code is ResultCode.UNAVAILABLE:
                _log.warning("operation unavailable", error=str(error))
            return Result(code, "", str(error) if sentence is None else sentence)
    _log.error("operation failed", error=repr(error), exc_info=error)
    return Result(ResultCode.OTHER, "", _UNEXPECTED)


SUCCESS: Final = Result(ResultCode.SUCCESS)
SEARCH_DONE: Final = b"\x65\x07\x0a\x01\x00\x04\x00\x04\x00"
"""SearchResultDone, success."""

_SHORT_DONE: Final = tuple(wrap(message_id, SEARCH_DONE) for message_id in range(0x80))


def search_done(message_id: int) -> bytes:
    """Return the whole message that ends a successful search."""
    return _SHORT_DONE[message_id] if message_id < 0x80 else wrap(message_id, SEARCH_DONE)
