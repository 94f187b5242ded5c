"""Add (RFC 4511 §4.7): a new object, made here."""

from collections.abc import Sequence

from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.projection.named_values import NamedValues
from gateway.directory.projection.view_definition import View
from gateway.directory.writes.entry_placement import kind_of_new, organizations_of_new
from gateway.directory.writes.entry_to_edit import OBJECT_CLASS, ORGANIZATION_NAMES, EntryEditor
from gateway.directory.writes.member_changes import MEMBER_ATTRIBUTES, changes_of
from gateway.directory.writes.named_entries import find as find_named
from gateway.directory.writes.named_organizations import organizations_named
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import Responder
from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.operations import unicode_password
from gateway.frontends.ldap.operations.own_password import USER_PASSWORD
from gateway.frontends.ldap.search.request import named
from gateway.frontends.ldap.writes import execution
from gateway.frontends.ldap.writes.authorization import Attempt, Plan
from gateway.frontends.ldap.writes.execution import WriteOperation
from gateway.model.edits import Edit
from gateway.model.ldap import dn
from gateway.model.objects import Kind
from gateway.store.engine.database import Connection
from gateway.store.objects import passwords
from gateway.sync.local.source import Written
from gateway.wire.messages import ADD, AddRequest, AddResponse, Modification, PartialAttribute
from gateway.wire.result_codes import ResultCode


def handle(exchange: Exchange, request: AddRequest, responder: Responder) -> None:
    """Begin the operation. Raises Refused for a party that may not write."""

    async def plan(attempt: Attempt) -> Plan:
        return await _plan(attempt, request)

    execution.begin(exchange, responder, WriteOperation("add", AddResponse, request.object_name), plan)


async def _plan(attempt: Attempt, request: AddRequest) -> Plan:
    name, key = named(request.object_name)
    view, searcher = attempt.searcher_at(key)
    parent_key = dn.parent_key(key)
    row = searcher.reader.row(key)
    if row is not None and searcher.visible_rows(searcher.reader.connection).shows(row):
        raise Refused(ResultCode.ENTRY_ALREADY_EXISTS, "there is an entry of this name already")
    parent = searcher.find(parent_key)
    for one in request.attributes:
        attempt.check_readable(one.type)
    attempt.check_principals(searcher, request.attributes)
    classes = [value for one in request.attributes if attribute_key(one.type) == OBJECT_CLASS for value in one.values]
    kind = kind_of_new(view, classes, parent_key, parent)
    attributes, members, password = _split(attempt, view, kind, request.attributes)
    door, given_here = attempt.writer.door, ("uid_number", "gid_number") if attempt.writer.door.gives_numbers else ()
    given = EntryEditor(kind, view).organization_names(attributes)
    names: NamedValues = {"dn": (str(name),)}
    if given is None:
        organizations = organizations_of_new(view, kind, parent, attempt.party.access)
    else:
        organizations = organizations_named(searcher, given.type, given.values, parent)
        names[ORGANIZATION_NAMES] = tuple(value.decode("utf-8", "replace") for value in given.values)
    editor = EntryEditor(kind, view, find_named(searcher, None, attributes), names)
    written = editor.new(name.rdns[0], attributes, given_here=given_here)
    joining = await changes_of(searcher, None, [Modification(ADD, one) for one in members], attempt.responder.turn)
    edit = Edit(written, organizations, joining.edit(frozenset()).added_members)
    password_hash = None if password is None else await attempt.password_hash(password)

    def work(connection: Connection) -> Written:
        made = door.create(connection, kind, edit)
        if password_hash is not None:
            passwords.set_local(connection, made.object_id, password_hash, by=attempt.party.dn, now=attempt.writer.now())
        return made

    return Plan(view, kind, str(name), work, tuple(one.type for one in request.attributes))


def _split(
    attempt: Attempt, view: View, kind: Kind, attributes: Sequence[PartialAttribute]
) -> tuple[list[PartialAttribute], list[PartialAttribute], bytes | None]:
    """The attributes of the entry, who is in the group, and the password of the person."""
    rest, members, password = [], [], None
    for one in attributes:
        key = attribute_key(one.type)
        if key == USER_PASSWORD and kind is Kind.USER:
            if len(one.values) != 1:
                raise Refused(ResultCode.CONSTRAINT_VIOLATION, "a person has one password here")
            password = one.values[0]
        elif unicode_password.is_password(view, one.type) and kind is Kind.USER:
            password = unicode_password.password_of(attempt.exchange.client, one.values)
        elif key in MEMBER_ATTRIBUTES and kind is Kind.GROUP:
            members.append(one)
        else:
            rest.append(one)
    return rest, members, password
