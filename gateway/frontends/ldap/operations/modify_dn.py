"""Modify DN (RFC 4511 §4.9): another name, or another place in the tree of organizations."""

from gateway.directory.writes.entry_placement import may_stand
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.responder import Responder
from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.search.request import located, named
from gateway.frontends.ldap.writes import execution
from gateway.frontends.ldap.writes.authorization import Attempt, Plan, Target
from gateway.frontends.ldap.writes.execution import WriteOperation
from gateway.model.edits import Edit
from gateway.model.ldap import dn
from gateway.model.ldap.dn import DN, RDN
from gateway.model.objects import ROOT_ORGANIZATION_ID, DirectoryObject, Kind, User
from gateway.store.engine.database import Connection
from gateway.sync.local.source import Written
from gateway.sync.rules.object_attributes import all_attributes
from gateway.wire.messages import ModifyDNRequest, ModifyDNResponse
from gateway.wire.result_codes import ResultCode


def handle(exchange: Exchange, request: ModifyDNRequest, responder: Responder) -> None:
    """Begin the operation. Raises Refused for a party that may not write."""

    async def plan(attempt: Attempt) -> Plan:
        return _plan(attempt, request)

    execution.begin(exchange, responder, WriteOperation("modify_dn", ModifyDNResponse, request.object_name), plan)


def _plan(attempt: Attempt, request: ModifyDNRequest) -> Plan:
    target = attempt.find(*located(attempt.exchange, request.object_name))
    rdn = _rdn(request.new_rdn)
    place = None if request.new_superior is None else _place(attempt, target, request.new_superior)
    above = target.name.parent if request.new_superior is None else DN.parse(request.new_superior)
    new_key = DN((rdn, *above.rdns)).key
    taken = target.searcher.reader.row(new_key)
    if taken is not None and taken[2] != target.object_id:
        raise Refused(ResultCode.ENTRY_ALREADY_EXISTS, "there is an entry of this name already")
    editor, door = target.editor, attempt.writer.door

    def work(connection: Connection) -> Written:
        thing = door.get(connection, target.kind, target.object_id)
        attributes = editor.renamed(all_attributes(thing), rdn, delete_old=request.delete_old_rdn)
        organizations = None if place is None else _organizations(thing, place)
        return door.change(connection, target.kind, target.object_id, Edit(attributes, organizations))

    return Plan(target.view, target.kind, str(target.name), work, tuple(ava.type for ava in rdn.avas))


def _rdn(text: str) -> RDN:
    rdns = DN.parse(text).rdns
    if len(rdns) != 1:
        raise Refused(ResultCode.INVALID_DN_SYNTAX, f"{text!r} is not one relative distinguished name")
    return rdns[0]


def _place(attempt: Attempt, target: Target, superior: str) -> str | None:
    """The organization that the entry moves to; None when it stays where it is. Raises Refused, NoSuchObject."""
    _, key = named(superior)
    if key == dn.parent_key(target.name.key):
        return None
    view, searcher = attempt.searcher_at(key)
    if view.name != target.view.name:
        raise Refused(ResultCode.AFFECTS_MULTIPLE_DSAS, "an entry cannot move into another view")
    row = searcher.find(key)
    if not may_stand(view, target.kind, key, row):
        words = f"entries of this kind stand below {view.container(target.kind)}"
        raise Refused(ResultCode.UNWILLING_TO_PERFORM, words)
    if row[1] == Kind.ORGANIZATION:
        return row[2]
    scope = attempt.party.access.scope
    if view.organizations is not None or scope is None or ROOT_ORGANIZATION_ID not in scope.organization_ids:
        raise Refused(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, "there it would not be seen any more")
    return ROOT_ORGANIZATION_ID


def _organizations(thing: DirectoryObject, place: str) -> tuple[str, ...]:
    """The new place is the first; other organizations of a user stay."""
    others = thing.organization_ids[1:] if isinstance(thing, User) else ()
    return tuple(dict.fromkeys((place, *(one for one in others if one != ROOT_ORGANIZATION_ID))))
