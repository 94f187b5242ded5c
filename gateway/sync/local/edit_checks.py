"""Checks of an edit, under the lock of the change log: what a source reports is its to change, names are given once, no
organization lies below itself. Reads only."""

from collections.abc import Collection, Sequence
from typing import Final

from gateway.model.attributes import ATTRIBUTES, NAMING_ATTRIBUTE, USER_PRINCIPAL_NAME, referring
from gateway.model.connector import LOCAL
from gateway.model.edits import Edit
from gateway.model.errors import Conflict, DecidedElsewhere, InvalidInput
from gateway.model.objects import ROOT_ORGANIZATION_ID, DirectoryObject, Kind, Organization, User, first_text
from gateway.store.engine.column_codecs import decode_attributes
from gateway.store.engine.database import Connection
from gateway.store.engine.normalized_keys import name_key
from gateway.store.objects import disablements, groups, organizations, users
from gateway.store.records import record_rows
from gateway.sync.rules import correlation
from gateway.sync.rules.authority import ENABLED, Authority, Contribution, is_enabled
from gateway.sync.rules.object_attributes import all_attributes, name_of, referenced

_DISABLED: Final = "an administrator has disabled this user: `gateway user enable` ends that"


class MasteredElsewhere(DecidedElsewhere):
    """The attribute or object that is to be written comes from a source; the message names both. `attribute`: our name of it,
    "" for the object as a whole."""

    def __init__(self, source_id: str, kind: Kind, attribute: str = "") -> None:
        what = f"the {attribute.replace('_', ' ')} of this {kind}" if attribute else f"this {kind}"
        super().__init__(f"{what} comes from the source {source_id}; change it there and it follows by itself")
        self.source_id, self.kind, self.attribute = source_id, kind, attribute


class NameTaken(Conflict):
    """Another object has the name."""


class PrincipalTaken(Conflict):
    """Another user logs in by the userPrincipalName ([MS-ADTS] §3.1.1.5.1.3)."""


class NotEmpty(Conflict):
    """The organization is not empty."""


def difference(thing: DirectoryObject, edit: Edit) -> Edit:
    """Return the part of the edit that makes a difference: a value that the object has already may be given by any client."""
    present = {**all_attributes(thing), **referenced(thing)}
    attributes = {name: values for name, values in edit.attributes.items() if present.get(name, ()) != values}
    places = edit.organizations
    if isinstance(thing, User) and places == thing.organization_ids:
        places = None
    if isinstance(thing, Organization) and places == (thing.parent_id,):
        places = None
    return Edit(attributes, places, edit.added_members, edit.removed_members)


def check_new(connection: Connection, kind: Kind, edit: Edit) -> None:
    """Check an edit that is going to be a new object. Raises InvalidInput, NameTaken."""
    name = first_text(edit.attributes, NAMING_ATTRIBUTE[kind]).strip()
    _check_is_name(kind, name)
    _check_values(kind, edit)
    _check_principal(connection, kind, edit)
    _check_name(connection, kind, name, _parent(edit, None) or ROOT_ORGANIZATION_ID)


def check_change(
    connection: Connection,
    kind: Kind,
    thing: DirectoryObject,
    edit: Edit,
    rules: Authority,
    said: Sequence[Contribution] | None = None,
) -> None:
    """Check an edit of an object that is there. `said`: the object's contributions, when the caller has read them already.
    Raises MasteredElsewhere, InvalidInput, NameTaken."""
    _check_values(kind, edit)
    said = contributions(connection, (thing.id,)).get(thing.id, []) if said is None else said
    _check_mastery(connection, kind, thing, edit, rules, said)
    _check_principal(connection, kind, edit, thing.id)
    naming = NAMING_ATTRIBUTE[kind]
    if naming in edit.attributes or edit.organizations is not None:
        name = first_text(edit.attributes, naming).strip() if naming in edit.attributes else name_of(thing)
        _check_is_name(kind, name)
        _check_name(connection, kind, name, _parent(edit, thing), thing.id)
        _check_cycle(connection, thing, edit)


def enables(kind: Kind, edit: Edit) -> bool:
    """Return whether the edit says that a user may log in."""
    return kind is Kind.USER and bool(edit.attributes.get(ENABLED)) and is_enabled(edit.attributes)


def check_made_here(connection: Connection, kind: Kind, object_id: str, what: str = "") -> None:
    """Raise MasteredElsewhere for an object that another source has; `what` is the attribute that was to be written."""
    for source_id, _ in contributions(connection, (object_id,)).get(object_id, ()):
        if source_id != LOCAL:
            raise MasteredElsewhere(source_id, kind, what)


def check_not_disabled(connection: Connection, kind: Kind, object_id: str) -> None:
    """Raise Conflict for a user whom an administrator has disabled: made again, the user would be another one, and get in."""
    if kind is Kind.USER and any(one.is_by_person for one in disablements.of_users(connection, (object_id,))):
        raise Conflict(_DISABLED)


def check_empty(connection: Connection, organization_id: str) -> None:
    """Raise NotEmpty for an organization in which users or organizations are."""
    below = organizations.child_ids(connection, (organization_id,))
    if below or users.ids_directly_in(connection, (organization_id,)):
        raise NotEmpty("there still is something in this organization: delete or move that first")


def contributions(connection: Connection, object_ids: Collection[str]) -> dict[str, list[Contribution]]:
    """Return the contributions to each of these objects: each source with the attributes that it has seen."""
    found: dict[str, list[Contribution]] = {}
    for row in record_rows.linked_to(connection, object_ids):
        found.setdefault(row.object_id or "", []).append(Contribution(row.source_id, decode_attributes(row.attributes)))
    return found


def _check_mastery(
    connection: Connection, kind: Kind, thing: DirectoryObject, edit: Edit, rules: Authority, said: Sequence[Contribution]
) -> None:
    """Raise MasteredElsewhere for an edit of what other sources report, an object's name and place included."""
    disabled_by = disablements.of_users(connection, (thing.id,)) if enables(kind, edit) else []
    if any(one.is_by_person for one in disabled_by):
        raise Conflict(_DISABLED)
    own = next((one.attributes for one in said if one.source_id == LOCAL), {})
    for source_id, seen in said:
        if source_id == LOCAL:
            continue
        for kept_as, values in edit.attributes.items():
            name = referring(kept_as) or kept_as
            if name == ENABLED and disabled_by:
                continue  # the source that they left has disabled them, and a person may say otherwise
            if name == NAMING_ATTRIBUTE[kind] or (name in seen and not _may_be_edited(kind, name, source_id, rules)):
                raise MasteredElsewhere(source_id, kind, name)
            if seen.get(name) and rules.decides(kind, name, source_id) and not values and not own.get(name):
                raise MasteredElsewhere(source_id, kind, name)  # without an edit to take back, nothing would change
        if edit.organizations is not None:
            raise MasteredElsewhere(source_id, kind, "place")
        if edit.added_members or edit.removed_members:
            raise MasteredElsewhere(source_id, kind, "membership")


def _may_be_edited(kind: Kind, name: str, source_id: str, rules: Authority) -> bool:
    """Return whether an edit goes over what the source says."""
    return rules.yields(kind, name) or not rules.decides(kind, name, source_id)


def _check_is_name(kind: Kind, name: str) -> None:
    if not name:
        raise InvalidInput(f"a {kind} needs a {'login name' if kind is Kind.USER else 'name'}, and none is given")
    if correlation.unmatched_reason(kind, name, ""):
        most = correlation.MAX_NAME_CHARACTERS
        raise InvalidInput(f"this cannot be the name of a {kind}: it has at most {most} characters, and none of them is NUL")


def _check_values(kind: Kind, edit: Edit) -> None:
    for name, values in edit.attributes.items():
        definition = ATTRIBUTES[kind].get(name)
        if definition is not None and definition.single and len(values) > 1:
            raise InvalidInput(f"a {kind} has one {name.replace('_', ' ')}, and {len(values)} are given")


def _parent(edit: Edit, thing: DirectoryObject | None) -> str | None:
    """Return the organization above an organization, as it is going to be; None for other kinds."""
    if edit.organizations:
        return edit.organizations[0]
    return thing.parent_id if isinstance(thing, Organization) else None


def _check_name(connection: Connection, kind: Kind, name: str, parent_id: str | None, own_id: str = "") -> None:
    key = name_key(name)
    if kind is Kind.USER:
        holding = users.get_many(connection, users.ids_by_username_key(connection, (key,)).values())
        holders: Collection[str] = [user.id for user in holding.values() if user.gone_at is None]  # a leaver gives its name up
        holders = [*holders, *(users.ids_by_principal(connection, name) if "@" in name else ())]
    elif kind is Kind.GROUP:
        holders = groups.same_name(connection, name)
    else:
        holders = organizations.same_name(connection, parent_id, name) if parent_id else ()
    if set(holders) - {own_id}:
        raise NameTaken(f"there is another {kind} named {name!r} already")


def _check_principal(connection: Connection, kind: Kind, edit: Edit, own_id: str = "") -> None:
    """Raise PrincipalTaken for a userPrincipalName by which another user logs in, also as by a login name of that form."""
    principal = first_text(edit.attributes, USER_PRINCIPAL_NAME) if kind is Kind.USER else ""
    if not principal:
        return
    holders = {*users.ids_by_principal(connection, principal), users.id_by_username(connection, principal)}
    if holders - {own_id, None}:
        raise PrincipalTaken("another user has this userPrincipalName, or this login name, already")


def _check_cycle(connection: Connection, thing: DirectoryObject, edit: Edit) -> None:
    if isinstance(thing, Organization) and edit.organizations:
        [above] = edit.organizations
        if above == thing.id or thing.id in organizations.ancestors(connection, above):
            raise InvalidInput("an organization cannot lie below itself")
