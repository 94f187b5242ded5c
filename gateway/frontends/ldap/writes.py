"""What Add, Delete, Modify and Modify DN have in common: who may write, what is written to, carrying it out, the answer.

An operation says what it wants in a `Plan`; the write itself goes through the one door (gateway/sync/local.py) in one
transaction, and is answered when the view has it: whoever writes reads what was written."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import structlog
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from gateway.directory.access import may_read
from gateway.directory.definition import View
from gateway.directory.directory import Party
from gateway.directory.indexing import attribute_key
from gateway.directory.search import ViewSearcher
from gateway.directory.sight import Row
from gateway.directory.violations import Violation, WriteRefused
from gateway.directory.writing import EntryWriting
from gateway.frontends.ldap import assertion, virtual
from gateway.frontends.ldap.results import SUCCESS, Refused, of_error
from gateway.frontends.ldap.searching import named
from gateway.frontends.ldap.writer import Writer
from gateway.model.application import Application, Grant
from gateway.model.dn import DN
from gateway.model.errors import Busy, InvalidInput, NotFound
from gateway.model.objects import Kind
from gateway.store import changes
from gateway.store.database import Connection
from gateway.sync.local import MasteredElsewhere, NameTaken, NotEmpty, Written
from gateway.wire import oids
from gateway.wire.encoder import encode_operation, wrap
from gateway.wire.messages import Control, Result
from gateway.wire.result_codes import ResultCode

if TYPE_CHECKING:
    from gateway.frontends.ldap.connection import LDAPConnection

_log = structlog.get_logger("gateway.write")

VIEW_SECONDS: Final = 5.0
"""How long an answer waits for the view. A view takes milliseconds; one that is being built, or has no disk, must not hold the
client for ever: the write is done all the same."""


ASSERTED_ATTEMPTS: Final = 20
"""How often a write with an assertion is begun anew because somebody else has written meanwhile."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`name`: for log and statistics; `response`: what answers it; `target`: the DN that it is about."""

    name: str
    response: Callable[[Result], Any]
    target: str


@dataclass(frozen=True, slots=True)
class Target:
    """The entry that is written to."""

    name: DN
    view: View
    searcher: ViewSearcher
    row: Row
    kind: Kind

    @property
    def object_id(self) -> str:
        """The id of the object behind the entry."""
        return self.row[2]

    @property
    def writing(self) -> EntryWriting:
        """The view's rules turned round."""
        return EntryWriting(self.kind, self.view)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is going to be done: `work` is a piece of work for `Database.write`. `attributes`: those that are touched, for the
    audit; no values."""

    view: View
    kind: Kind
    name: str
    work: Callable[[Connection], Written]
    attributes: tuple[str, ...] = ()


Planner: TypeAlias = Callable[["Attempt"], Awaitable[Plan]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One operation of one application."""

    connection: "LDAPConnection"
    writer: Writer
    party: Party
    application: Application

    def find(self, name: DN, key: str) -> Target:
        """The entry, as the party sees it. Raises Refused, NoSuchObject, ViewNotReady."""
        view, searcher = self.look(key)
        row = searcher.find(key)
        kind = _KINDS.get(row[1])
        if kind is None:
            raise Refused(ResultCode.UNWILLING_TO_PERFORM, "this entry is part of the view itself and is not written")
        return Target(name, view, searcher, row, kind)

    def look(self, key: str) -> tuple[View, ViewSearcher]:
        """The view in which a DN lies. Raises Refused, ViewNotReady."""
        if not key or key == virtual.SUBSCHEMA_KEY:
            raise Refused(ResultCode.UNWILLING_TO_PERFORM, "this entry is the server's own and is not written")
        directory = self.connection.services.directory
        view = directory.view_of(self.party, key)
        if view is None:
            raise Refused(ResultCode.NO_SUCH_OBJECT)
        return view, directory.searcher(view.name, self.party.access)

    def check_readable(self, description: str) -> None:
        """What may not be read may not be written either. Raises Refused."""
        if not may_read(attribute_key(description), self.party.access.attributes):
            raise Refused(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, f"this application may not see {description}")

    async def password_hash(self, password: bytes | None) -> str | None:
        """The hash of a new local password; None for none. Raises Refused, and what PasswordChanges does."""
        if Grant.PASSWORDS not in self.application.grants:
            raise Refused(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, 'setting passwords needs the grant "passwords" beside "write"')
        changes = self.connection.services.password_changes
        if changes is None:
            raise Refused(ResultCode.UNWILLING_TO_PERFORM, "no passwords are kept here")
        if password is None:
            return None
        if password.startswith(b"{"):
            raise Refused(ResultCode.CONSTRAINT_VIOLATION, "hand over the password itself: it is hashed here")
        return await changes.hashed(password)


_KINDS: Mapping[str, Kind] = {kind.value: kind for kind in Kind}


# Who may write --------------------------------------------------------------------------------------------------------


def begin(
    connection: "LDAPConnection", message_id: int, operation: Operation, controls: Mapping[str, Control], planner: Planner
) -> None:
    """Carries out a write and answers it. Nothing else of the connection is begun meanwhile: a client that sends one write
    right behind the other means them in this order. Raises Refused for a party that may not write."""
    attempt = _permitted(connection)
    work = _carry_out(attempt, message_id, operation, controls, planner)
    connection.begin(message_id, work, operation.name, exclusive=True)


def _permitted(connection: "LDAPConnection") -> Attempt:
    party, writer = connection.party, connection.services.writer
    application = party.application
    if application is None or writer is None:
        raise Refused(
            ResultCode.UNWILLING_TO_PERFORM, f"this directory is not written through the gateway; {_elsewhere(connection)}"
        )
    if Grant.WRITE not in application.grants:
        raise Refused(
            ResultCode.INSUFFICIENT_ACCESS_RIGHTS,
            f'the application {application.name} does not have the grant "write"; {_elsewhere(connection)}',
        )
    return Attempt(connection, writer, party, application)


def _elsewhere(connection: "LDAPConnection") -> str:
    sources = ", ".join(connection.services.sources)
    where = f"its source ({sources})" if sources else "the source it comes from"
    return f"change the entry in {where} and it follows by itself"


# Carrying it out ------------------------------------------------------------------------------------------------------


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
            return plan, await _committed(attempt, operation.name, replace(plan, work=_unless_moved(position, plan.work)))
        except _Moved as moved:
            await _reached(connection, view, moved.number)
    raise Busy("the directory changes too fast to assert anything of it; try again shortly")


def _unless_moved(position: int, work: Callable[[Connection], Written]) -> Callable[[Connection], Written]:
    def guarded(connection: Connection) -> Written:
        number = changes.lock(connection)
        if number != position:
            raise _Moved(number)
        return work(connection)

    return guarded


class _Moved(Exception):
    """The directory is not as it was: it has changes up to this number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


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
    """Waits until the view has the change."""
    follower = connection.services.directory.followers[view.name]
    if follower.position >= number:
        return
    waiting: Deferred[None] = Deferred()

    def look() -> None:
        if follower.position >= number and not waiting.called:
            waiting.callback(None)

    def give_up() -> None:
        _log.warning("write is done, and the view does not have it yet", view=view.name, change=number)
        waiting.callback(None)

    follower.on_change.append(look)
    patience = connection.services.reactor.callLater(VIEW_SECONDS, give_up)
    try:
        look()
        await waiting
    finally:
        follower.on_change.remove(look)
        if patience.active():
            patience.cancel()


# Results --------------------------------------------------------------------------------------------------------------

_RESULTS: Mapping[type[Exception], ResultCode] = {
    NameTaken: ResultCode.ENTRY_ALREADY_EXISTS,
    NotEmpty: ResultCode.NOT_ALLOWED_ON_NON_LEAF,
    NotFound: ResultCode.NO_SUCH_OBJECT,
    InvalidInput: ResultCode.CONSTRAINT_VIOLATION,
}

_VIOLATIONS: Mapping[Violation, ResultCode] = {
    Violation.PROTOCOL: ResultCode.PROTOCOL_ERROR,
    Violation.NO_SUCH_ATTRIBUTE: ResultCode.NO_SUCH_ATTRIBUTE,
    Violation.UNDEFINED_TYPE: ResultCode.UNDEFINED_ATTRIBUTE_TYPE,
    Violation.CONSTRAINT: ResultCode.CONSTRAINT_VIOLATION,
    Violation.EXISTS: ResultCode.ATTRIBUTE_OR_VALUE_EXISTS,
    Violation.SYNTAX: ResultCode.INVALID_ATTRIBUTE_SYNTAX,
    Violation.UNWILLING: ResultCode.UNWILLING_TO_PERFORM,
    Violation.NAMING: ResultCode.NAMING_VIOLATION,
    Violation.OBJECT_CLASS: ResultCode.OBJECT_CLASS_VIOLATION,
    Violation.ON_RDN: ResultCode.NOT_ALLOWED_ON_RDN,
    Violation.CLASS_CHANGE: ResultCode.OBJECT_CLASS_MODS_PROHIBITED,
}


def of_write_error(error: Exception, plan: Plan | None) -> Result:
    """The result that tells a client why its write was not carried out."""
    if isinstance(error, WriteRefused):
        return Result(_VIOLATIONS[error.violation], "", str(error))
    if isinstance(error, MasteredElsewhere):
        return Result(ResultCode.UNWILLING_TO_PERFORM, "", _mastered(error, plan))
    code = next((code for kind, code in _RESULTS.items() if isinstance(error, kind)), None)
    return of_error(error) if code is None else Result(code, "", str(error))


def _mastered(error: MasteredElsewhere, plan: Plan | None) -> str:
    """In the view's words where it has some for the attribute."""
    name = EntryWriting(plan.kind, plan.view).shown_as(error.attribute) if plan is not None and error.attribute else ""
    if not name:
        return str(error)
    return f"{name} of this entry comes from the source {error.source_id}; change it there and it follows by itself"
