"""Add, Delete, Modify, Modify DN: refused here, with a sentence that says where to write instead."""

from typing import TYPE_CHECKING, Any

from gateway.frontends.ldap.results import Refused
from gateway.wire.messages import Control
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.connection import LDAPConnection


def handle(connection: "LDAPConnection", _message_id: int, _request: Any, _controls: dict[str, Control]) -> None:
    """Raises Refused."""
    sources = ", ".join(connection.services.sources)
    where = f"its source ({sources})" if sources else "the source it comes from"
    raise Refused(
        ResultCode.UNWILLING_TO_PERFORM,
        f"this directory is not written through the gateway; change the entry in {where} and it follows by itself",
    )
