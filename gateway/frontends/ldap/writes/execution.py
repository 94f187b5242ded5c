"""What Add, Delete, Modify and Modify DN have in common: carrying it out, telling the log, and the answer.

An operation says what it wants in a `Plan`; the write itself goes through the one door (gateway/sync/local/source.py) in one
transaction, and is answered when the view has it: whoever writes reads what was written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from gateway.directory.projection.view_definition import View
from gateway.directory.read_your_writes import ReadYourWrites
from gateway.frontends.ldap.core.results import SUCCESS
from gateway.frontends.ldap.search import assertion
from gateway.frontends.ldap.search.request import named
from gateway.frontends.ldap.writes.authorization import Attempt, Plan, Planner, permitted
from gateway.frontends.ldap.writes.results import of_write_error
from gateway.model.errors import Busy
from gateway.sync.local.source import LogMoved, Written
from gateway.wire import oids
from gateway.wire.codec.encoder import encode_operation, wrap
from gateway.wire.messages import Control, Result

if TYPE_CHECKING:
    from gateway.frontends.ldap.server.connection import LDAPConnection

_log = structlog.get_logger("gateway.write")

ASSERTED_ATTEMPTS: Final = 20
"""How often a write with an assertion is begun anew because somebody else has written meanwhile."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`name`: for log and statistics; `response`: what answers it; `target`: the DN that it is about."""

    name: str
    response: Callable[[Result], Any]
    target: str


def begin(
    connection: "LDAPConnection", message_id: int, operation: Operation, controls: Mapping[str, Control], planner: Planner
) -> None:
    """Carries out a write and answers it. Nothing else of the connection is begun meanwhile: a client that sends one write
    right behind the other means them in this order. Raises Refused for a party that may not write."""
    attempt = permitted(connection)
    work = _carry_out(attempt, message_id, operation, controls, planner)
    connection.begin(message_id, work, operation.name, exclusive=True)


async def _carry_out(
    attempt: Attempt, message_id: int, operation: Operation, controls: Mapping[str, Control], planner: Planner
) -> None:
    connection, name = attempt.connection, operation.name
    result = SUCCESS
    plan: Plan | None = None
    try:
        if oids.ASSERTION in controls:
            plan, written = await _asserted(attempt, operation, controls, planner)
        else:
            plan = await planner(attempt)
            written = await _committed(attempt, name, plan)
        await _reached(connection, plan.view, written.change_number)
    except CancelledError:  # the client has gone, or does not want the answer any more
        raise
    except Exception as error:
        result = of_write_error(error, plan)
        _log.info(
            "write refused",
            operation=name,
            application=attempt.application.name,
            dn=plan.name if plan else "",
            peer=connection.peer,
            result=int(result.code),
            reason=result.diagnostic_message,
        )
    connection.finish(message_id, name, result, wrap(message_id, encode_operation(operation.response(result))))


async def _asserted(
    attempt: Attempt, operation: Operation, controls: Mapping[str, Control], planner: Planner
) -> tuple[Plan, Written]:
    """With the assertion control (RFC 4528), test and write are one: the directory must not have moved in between. Else the
    test is made again, as soon as the view has moved, too."""
    connection = attempt.connection
    for _ in range(ASSERTED_ATTEMPTS):
        view, searcher = attempt.look(named(operation.target)[1])
        position = searcher.reader.position
        assertion.check(connection, operation.target, controls)
        plan = await planner(attempt)
        try:
            asserted = partial(attempt.writer.door.write_at, position=position, write=plan.work)
            return plan, await _committed(attempt, operation.name, replace(plan, work=asserted))
        except LogMoved as moved:
            await _reached(connection, view, moved.change_number)
    raise Busy("the directory changes too fast to assert anything of it; try again shortly")


def _committed(attempt: Attempt, name: str, plan: Plan) -> "Deferred[Written]":
    """A write that has begun is carried out, and told to the log, whether or not the client waits for it."""
    waiting: Deferred[Written] = Deferred()

    def ended(result: Written | Failure) -> None:
        if isinstance(result, Written):
            _audit(attempt, name, plan, result)
        if not waiting.called:
            waiting.callback(result)
        elif isinstance(result, Failure):
            _log.warning("write failed", operation=name, application=attempt.application.name, error=repr(result.value))

    attempt.writer.database.write(plan.work).addBoth(ended)
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
        peer=attempt.connection.peer,
        change=written.change_number,
    )
    for problem in written.problems:
        _log.warning(problem)


async def _reached(connection: "LDAPConnection", view: View, number: int) -> None:
    """Waits until the view has the change, but not for ever: it is written all the same."""
    await ReadYourWrites(connection.services.directory, connection.services.reactor).wait_for(view.name, number)
