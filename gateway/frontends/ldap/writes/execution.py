"""Execution of a write, for Add, Delete, Modify and Modify DN alike: the transaction, the audit's log line, and the answer.

An operation says what it wants in a `Plan`; the write itself goes through the one door (gateway/sync/local/source.py) in one
transaction, and is answered when the view has it: a client reads its own writes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import structlog
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from gateway.directory.projection.view_definition import View
from gateway.directory.read_your_writes import ReadYourWrites
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import Responder
from gateway.frontends.ldap.core.results import SUCCESS
from gateway.frontends.ldap.core.services import Services
from gateway.frontends.ldap.search import assertion
from gateway.frontends.ldap.search.request import located
from gateway.frontends.ldap.writes.authorization import Attempt, Plan, Planner, authorized
from gateway.frontends.ldap.writes.results import write_result_of
from gateway.model.errors import Busy, OutcomeUnknown
from gateway.sync.local.source import LogMoved, Written
from gateway.wire import oids
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.messages import Operation, Result

_log = structlog.get_logger("gateway.write")

ASSERTED_ATTEMPTS: Final = 20
"""Number of times that a write with an assertion is begun anew because the directory was written to meanwhile."""


@dataclass(frozen=True, slots=True)
class WriteOperation:
    """`name`: for log and counters; `response`: makes the answer; `target`: the DN that it is about."""

    name: str
    response: Callable[[Result], Operation]
    target: str


def begin(exchange: Exchange, responder: Responder, operation: WriteOperation, planner: Planner) -> None:
    """Carry out a write and answer it. Nothing else of the connection is begun meanwhile: a client that sends one write
    right behind the other means them in this order. Raises Refused for a party that may not write."""
    work = _carry_out(authorized(exchange, responder), operation, planner)
    responder.begin(exchange.message_id, work, operation.name, exclusive=True)


async def _carry_out(attempt: Attempt, operation: WriteOperation, planner: Planner) -> None:
    exchange, name = attempt.exchange, operation.name
    result = SUCCESS
    plan: Plan | None = None
    try:
        if oids.ASSERTION in exchange.controls:
            plan, written = await _asserted(attempt, operation, planner)
        else:
            plan = await planner(attempt)
            written = await _committed(attempt, name, plan)
        await _reached(exchange.services, plan.view, written.change_number)
    except CancelledError:  # the client has gone, or does not want the answer any more
        raise
    except Exception as error:
        result = write_result_of(error, plan)
        _log.info(
            "write outcome unknown" if isinstance(error, OutcomeUnknown) else "write refused",
            operation=name,
            application=attempt.application.name,
            dn=plan.name if plan else "",
            peer=exchange.client.peer,
            result=int(result.code),
            reason=result.diagnostic_message,
        )
    answer = wrap(exchange.message_id, encode_operation(operation.response(result)))
    attempt.responder.finish(exchange.message_id, name, result, answer)


async def _asserted(attempt: Attempt, operation: WriteOperation, planner: Planner) -> tuple[Plan, Written]:
    """Make test and write of the assertion control (RFC 4528) one: the directory must not have moved in between. Else the
    test is made again, as soon as the view has moved, too."""
    exchange = attempt.exchange
    for _ in range(ASSERTED_ATTEMPTS):
        view, searcher = attempt.searcher_at(located(exchange, operation.target)[1])
        position = searcher.reader.position
        assertion.check(exchange, operation.target)
        plan = await planner(attempt)
        try:
            asserted = partial(attempt.writer.door.write_at, position=position, write=plan.work)
            return plan, await _committed(attempt, operation.name, replace(plan, work=asserted))
        except LogMoved as moved:
            await _reached(exchange.services, view, moved.change_number)
    raise Busy("the directory changes too fast to assert anything of it; try again shortly")


def _committed(attempt: Attempt, name: str, plan: Plan) -> "Deferred[Written]":
    """Carry out a write to its end, and log it, whether or not the client still waits for it."""
    waiting: Deferred[Written] = Deferred()

    def ended(result: Written | Failure) -> None:
        if isinstance(result, Written):
            _audit(attempt, name, plan, result)
        if not waiting.called:
            waiting.callback(result)
        elif isinstance(result, Failure):
            _log.warning("write failed", operation=name, application=attempt.application.name, error=repr(result.value))

    attempt.writer.write(plan.work).addBoth(ended)
    return waiting


def _audit(attempt: Attempt, name: str, plan: Plan, written: Written) -> None:
    _log.info(
        "write",
        operation=name,
        application=attempt.application.name,
        bound=attempt.party.dn,
        dn=plan.name,
        kind=written.kind.value,
        object=written.object_id,
        attributes=list(plan.attributes),
        peer=attempt.exchange.client.peer,
        change=written.change_number,
    )
    for problem in written.problems:
        _log.warning(problem)


async def _reached(services: Services, view: View, number: int) -> None:
    """Wait until the view has the change, but not for ever: it is written all the same."""
    await ReadYourWrites(services.directory, services.reactor).wait_for(view.name, number)
