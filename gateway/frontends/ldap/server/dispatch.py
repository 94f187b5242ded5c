"""Dispatch: the file that answers each operation, and the response by which an operation that failed is answered.

A new operation is a file in operations/ and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from twisted.internet.defer import CancelledError

from gateway.directory.directory import Party
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import BindResponder
from gateway.frontends.ldap.core.results import Refused, result_of
from gateway.frontends.ldap.core.supported_controls import understood
from gateway.frontends.ldap.operations import add, bind, compare, delete, extended, modify, modify_dn, search
from gateway.frontends.ldap.operations.extended import ExtendedResponder
from gateway.frontends.ldap.search.paged_results import SearchResponder
from gateway.frontends.ldap.server import proxied_authorization
from gateway.wire import oids
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.messages import (
    AddRequest,
    AddResponse,
    BindRequest,
    BindResponse,
    CompareRequest,
    CompareResponse,
    Control,
    DelRequest,
    DelResponse,
    ExtendedRequest,
    ExtendedResponse,
    LDAPMessage,
    ModifyDNRequest,
    ModifyDNResponse,
    ModifyRequest,
    ModifyResponse,
    Operation,
    Result,
    SearchRequest,
    SearchResultDone,
)
from gateway.wire.result_codes import ResultCode


class Session(SearchResponder, BindResponder, ExtendedResponder, Protocol):
    """A connection: the responder of every operation."""

    def exchange(self, message_id: int, controls: Mapping[str, Control]) -> Exchange:
        """Return the exchange of a request, as the bound party's."""

    def carry_out_as(self, message_id: int, party: Party) -> None:
        """Note as whom an operation is carried out, if not as the bound party."""


_Request = TypeVar("_Request")


@dataclass(frozen=True, slots=True)
class Handler:
    """An operation's name, its file's function (which returns the answer, or None when it comes later), and its response."""

    name: str
    handle: Callable[[Exchange, Any, Session], bytes | None]
    response: Callable[[Result], Operation]


def _row(
    request: type[_Request],
    name: str,
    handle: Callable[[Exchange, _Request, Session], bytes | None],
    response: Callable[[Result], Operation],
) -> tuple[type, Handler]:
    """Return a row of the table, having made sure that the function takes that request."""
    return request, Handler(name, handle, response)


HANDLERS: Final[Mapping[type, Handler]] = dict(
    (
        _row(BindRequest, "bind", bind.handle, BindResponse),
        _row(SearchRequest, "search", search.handle, SearchResultDone),
        _row(CompareRequest, "compare", compare.handle, CompareResponse),
        _row(ExtendedRequest, "extended", extended.handle, ExtendedResponse),
        _row(AddRequest, "add", add.handle, AddResponse),
        _row(DelRequest, "delete", delete.handle, DelResponse),
        _row(ModifyRequest, "modify", modify.handle, ModifyResponse),
        _row(ModifyDNRequest, "modify_dn", modify_dn.handle, ModifyDNResponse),
    )
)
"""Abandon and Unbind have no response: connection.py."""


_NONE: Final[Mapping[str, Control]] = {}


def perform(session: Session, message: LDAPMessage) -> bytes | None:
    """Return the answer to a request that HANDLERS knows; None when it comes later. An error becomes the operation's own
    response."""
    operation = message.operation
    handler = HANDLERS[type(operation)]
    try:
        controls = understood(operation, message.controls) if message.controls else _NONE
        exchange = session.exchange(message.message_id, controls)
        if exchange.must_start_tls and not _is_for_the_clear(operation):
            raise Refused(ResultCode.CONFIDENTIALITY_REQUIRED, _TLS_FIRST)
        if oids.PROXIED_AUTHORIZATION in controls:
            proxied_authorization.check(exchange, operation)
            session.begin(message.message_id, _perform_on_behalf(session, exchange, operation), handler.name)
            return None
        return handler.handle(exchange, operation, session)
    except Exception as error:
        if isinstance(operation, BindRequest):  # whatever became of it, the client is anonymous (RFC 4513 §4)
            session.make_anonymous()
        return _failed(session, message.message_id, handler, error)


async def _perform_on_behalf(session: Session, exchange: Exchange, operation: Operation) -> None:
    """Carry a request out as the party that its proxied authorization control names."""
    handler = HANDLERS[type(operation)]
    try:
        on_behalf = await proxied_authorization.exchange_of(exchange, session)
        session.carry_out_as(exchange.message_id, on_behalf.party)
        answer = handler.handle(on_behalf, operation, session)
    except CancelledError:  # abandoned: no answer
        raise
    except Exception as error:
        answer = _failed(session, exchange.message_id, handler, error)
    if answer is not None:
        session.send(answer)


def _failed(session: Session, message_id: int, handler: Handler, error: Exception) -> bytes:
    result = result_of(error)
    session.count(handler.name, result)
    return wrap(message_id, encode_operation(handler.response(result)))


_TLS_FIRST = "TLS is required: send StartTLS first, or connect to the LDAPS port"


def _is_for_the_clear(operation: Operation) -> bool:
    """Return whether a request is needed to begin TLS: StartTLS itself, and the root DSE to learn of it."""
    if isinstance(operation, SearchRequest):
        return not operation.base_object and operation.scope == 0
    return isinstance(operation, ExtendedRequest) and operation.name == oids.START_TLS
