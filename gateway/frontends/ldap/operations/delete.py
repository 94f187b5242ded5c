"""Delete (RFC 4511 §4.8): of what was made here."""

from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import Responder
from gateway.frontends.ldap.search.request import located
from gateway.frontends.ldap.writes import execution
from gateway.frontends.ldap.writes.authorization import Attempt, Plan
from gateway.frontends.ldap.writes.execution import WriteOperation
from gateway.wire.messages import DelRequest, DelResponse


def handle(exchange: Exchange, request: DelRequest, responder: Responder) -> None:
    """Begin the operation. Raises Refused for a party that may not write."""

    async def plan(attempt: Attempt) -> Plan:
        target = attempt.find(*located(attempt.exchange, request.object_name))
        door = attempt.writer.door
        return Plan(
            target.view,
            target.kind,
            str(target.name),
            lambda connection: door.delete(connection, target.kind, target.object_id),
        )

    execution.begin(exchange, responder, WriteOperation("delete", DelResponse, request.object_name), plan)
