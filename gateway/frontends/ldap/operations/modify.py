"""Modify (RFC 4511 §4.6, increment: RFC 4525): all of it or nothing, of what was made here or what no source reports."""

from functools import partial

from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.writes.entry_to_edit import EntryEditor
from gateway.directory.writes.member_changes import MEMBER_ATTRIBUTES, MemberChanges, changes_of
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import Responder
from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.operations import own_password, unicode_password
from gateway.frontends.ldap.operations.own_password import USER_PASSWORD
from gateway.frontends.ldap.search.request import located
from gateway.frontends.ldap.writes import execution
from gateway.frontends.ldap.writes.authorization import Attempt, Plan, Target
from gateway.frontends.ldap.writes.execution import WriteOperation
from gateway.model.edits import Edit
from gateway.model.objects import DirectoryObject, Kind, Member
from gateway.store.engine.database import Connection
from gateway.store.objects import memberships, passwords
from gateway.sync.local.source import ObjectEdit, Written
from gateway.sync.rules.object_attributes import all_attributes, referenced
from gateway.wire.messages import ADD, DELETE, REPLACE, Modification, ModifyRequest, ModifyResponse
from gateway.wire.result_codes import ResultCode


def handle(exchange: Exchange, request: ModifyRequest, responder: Responder) -> None:
    """Begin the operation. Raises Refused for a party that may not write."""
    if own_password.is_meant(exchange, request):
        own_password.handle(exchange, request, responder)
        return

    if unicode_password.handle_change(exchange, request, responder):
        return

    async def plan(attempt: Attempt) -> Plan:
        return await _plan(attempt, request)

    execution.begin(exchange, responder, WriteOperation("modify", ModifyResponse, request.object_name), plan)


async def _plan(attempt: Attempt, request: ModifyRequest) -> Plan:
    target = attempt.find(*located(attempt.exchange, request.object_name))
    for one in request.changes:
        attempt.check_readable(one.attribute.type)
    given = [one.attribute for one in request.changes if one.operation != DELETE]
    attempt.check_principals(target.searcher, given, target.object_id)
    of_password = [one for one in request.changes if _is_password(target, one)]
    of_members = [one for one in request.changes if _key(one) in MEMBER_ATTRIBUTES and target.kind is Kind.GROUP]
    rest = [one for one in request.changes if one not in of_password and one not in of_members]
    change = await changes_of(target.searcher, target.row, of_members, attempt.responder.turn)
    is_all = bool(of_password) and of_password == list(request.changes)  # a Modify may have no change at all
    if is_all and unicode_password.is_password(target.view, of_password[-1].attribute.type):
        return await _reset(attempt, target, of_password)
    password = await _password(attempt, target, of_password) if of_password else None
    editor = target.editor_naming([one.attribute for one in rest])

    edit = ObjectEdit(target.kind, target.object_id, partial(_edit, editor, target, rest, change))

    def work(connection: Connection) -> Written:
        written = attempt.writer.door.change_present(connection, edit)
        _set_password(attempt, connection, target.object_id, password)
        return written

    touched = dict.fromkeys(one.attribute.type for one in request.changes)
    return Plan(target.view, target.kind, str(target.name), work if of_password else edit, tuple(touched))


def _key(modification: Modification) -> str:
    return attribute_key(modification.attribute.type)


def _edit(
    editor: EntryEditor,
    target: Target,
    rest: list[Modification],
    change: MemberChanges,
    connection: Connection,
    thing: DirectoryObject,
) -> Edit:
    """Return what the modifications make of the object as it is inside the transaction."""
    attributes = editor.changed({**all_attributes(thing), **referenced(thing)}, rest)
    joining_and_leaving = change.edit(_present(connection, target.object_id, change.mentioned))
    return Edit(attributes, None, joining_and_leaving.added_members, joining_and_leaving.removed_members)


def _present(connection: Connection, group_id: str, mentioned: frozenset[Member]) -> frozenset[Member]:
    if not mentioned:
        return frozenset()
    pairs = memberships.existing(connection, (group_id,), {member.id for member in mentioned})
    return frozenset(member for member in mentioned if (group_id, member.id) in pairs)


# Passwords ------------------------------------------------------------------------------------------------------------


def _is_password(target: Target, modification: Modification) -> bool:
    if target.kind is not Kind.USER:
        return False
    return _key(modification) == USER_PASSWORD or unicode_password.is_password(target.view, modification.attribute.type)


async def _reset(attempt: Attempt, target: Target, modifications: list[Modification]) -> Plan:
    """Set the password where it is kept, here or at the source, and return the plan of nothing more. Raises Refused, and what
    PasswordChanges.reset does."""
    changes = attempt.exchange.services.password_changes
    attempt.check_may_set_passwords()
    if len(modifications) != 1 or modifications[0].operation != REPLACE or changes is None:
        raise Refused(ResultCode.CONSTRAINT_VIOLATION, "replace unicodePwd, or delete the old value and add the new one")
    new = unicode_password.password_of(attempt.exchange.client, modifications[0].attribute.values)
    await changes.reset(target.object_id, new, attempt.party.dn)

    def work(connection: Connection) -> Written:
        return attempt.writer.door.change(connection, target.kind, target.object_id, Edit())

    return Plan(target.view, target.kind, str(target.name), work, ("unicodePwd",))


async def _password(attempt: Attempt, target: Target, modifications: list[Modification]) -> str | None:
    """The hash of the password that the person has afterwards; None for none. Raises Refused."""
    password: bytes | None = None
    for one in modifications:
        values = one.attribute.values
        if one.operation == DELETE and values:
            raise Refused(ResultCode.CONSTRAINT_VIOLATION, "passwords are not compared here: replace it")
        if one.operation not in (ADD, DELETE, REPLACE) or len(values) > 1 or (one.operation == ADD and not values):
            raise Refused(ResultCode.CONSTRAINT_VIOLATION, "a person has one password here")
        password = values[0] if values else None
        if values and unicode_password.is_password(target.view, one.attribute.type):
            password = unicode_password.password_of(attempt.exchange.client, values)
    return await attempt.password_hash(password)


def _set_password(attempt: Attempt, connection: Connection, user_id: str, password_hash: str | None) -> None:
    attempt.writer.door.check_made_here(connection, Kind.USER, user_id, "password")
    if password_hash is None:
        passwords.clear_local(connection, user_id)
    else:
        passwords.set_local(connection, user_id, password_hash, by=attempt.party.dn, now=attempt.writer.now())
