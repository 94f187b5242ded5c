"""Which file answers which operation, and with which response an operation that failed is answered. Only tables."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from gateway.frontends.ldap import bind, compare, extended, search, writes
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
    ModifyDNRequest,
    ModifyDNResponse,
    ModifyRequest,
    ModifyResponse,
    Result,
    SearchRequest,
    SearchResultDone,
)

if TYPE_CHECKING:
    from gateway.frontends.ldap.connection import LDAPConnection

Handler = Callable[["LDAPConnection", int, Any, dict[str, Control]], bytes | None]

HANDLERS: Final[Mapping[type, tuple[str, Handler, Callable[[Result], Any]]]] = {
    BindRequest: ("bind", bind.handle, BindResponse),
    SearchRequest: ("search", search.handle, SearchResultDone),
    CompareRequest: ("compare", compare.handle, CompareResponse),
    ExtendedRequest: ("extended", extended.handle, ExtendedResponse),
    AddRequest: ("add", writes.handle, AddResponse),
    DelRequest: ("delete", writes.handle, DelResponse),
    ModifyRequest: ("modify", writes.handle, ModifyResponse),
    ModifyDNRequest: ("modify_dn", writes.handle, ModifyDNResponse),
}
"""Request → its name, who answers it, and its response. Abandon and Unbind have no response: connection.py."""
