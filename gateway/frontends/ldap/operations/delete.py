"""Delete (RFC 4511 §4.8): of what was made here."""

from typing import TYPE_CHECKING

from gateway.frontends.ldap.search.request import named
from gateway.frontends.ldap.writes import execution
from gateway.frontends.ldap.writes.authorization import Attempt, Plan
from gateway.frontends.ldap.writes.execution import Operation
from gateway.wire.messages import Control, DelRequest, DelResponse

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection


def handle(connection: "LDAPConnection", message_id: int, request: DelRequest, controls: dict[str, Control]) -> None:
    """Begins it. Raises Refused for who may not."""

    async def plan(attempt: Attempt) -> Plan:
        target = attempt.find(*named(request.object_name))
        door = attempt.writer.door
        return Plan(
            target.view,
            target.kind,
            str(target.name),
            lambda connection: door.delete(connection, target.kind, target.object_id),
        )

    execution.begin(connection, message_id, Operation("delete", DelResponse, request.object_name), controls, plan)
