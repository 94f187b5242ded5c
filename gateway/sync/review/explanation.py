"""Explanation of an object: for each attribute the source that decided it, the rule, and the sources that lost; the sources of
its places and memberships; and its records. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.model.attributes import NAMING_ATTRIBUTE
from gateway.model.objects import DirectoryObject, Kind, User, Value
from gateway.model.records import DECIDED_BY_ADDITION
from gateway.store.engine.column_codecs import decode_attributes, optional_time_of
from gateway.store.engine.database import Connection
from gateway.store.objects import disablements, memberships
from gateway.store.objects.disablements import Disablement
from gateway.store.records import record_rows
from gateway.store.records.record_rows import RecordRow
from gateway.sync.references.organization_places import OrganizationPlaces
from gateway.sync.rules import contributing_records
from gateway.sync.rules.authority import ENABLED, Authority, Contribution, Reason, decide
from gateway.sync.rules.object_attributes import all_attributes


class GatewayReason(StrEnum):
    """The reason for which the gateway itself decided."""

    GONE = "gone"
    """No source has the person any more."""
    TAKEN = "taken"
    """Another user has the name that was decided; the object keeps the one it has."""
    LEFT = "left"
    """The source that decided has the person no more, and had them disabled."""
    DISABLED = "disabled"
    """An administrator has disabled the person."""
    GIVEN = "given"
    """No source reports it, and the gateway gives it (POSIX numbers)."""


@dataclass(frozen=True, slots=True)
class ExplainedAttribute:
    """`values` as the object has them. `source_id` "": the gateway itself decided. `lost`: the sources that have other
    values; first those that would be asked next."""

    name: str
    values: tuple[Value, ...]
    source_id: str
    reason: Reason | GatewayReason | None
    lost: tuple[tuple[str, tuple[Value, ...]], ...]


@dataclass(frozen=True, slots=True)
class ExplainedLink:
    """A record of the object. `contributes`: whether its attributes count now."""

    source_id: str
    external_id: str
    dn: str
    situation: str
    decided_by: str
    decided_at: datetime | None
    gone_at: datetime | None
    reason: str
    contributes: bool


@dataclass(frozen=True, slots=True)
class ExplainedTie:
    """An organization that the object is in or below, or a group that it is a direct member of. `source_ids`: the sources that
    say so; none: it is where the source puts what has no place there."""

    object_id: str
    source_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of one object: its attributes by name, its places and groups, and its records as they were linked."""

    kind: Kind
    object: DirectoryObject
    attributes: tuple[ExplainedAttribute, ...]
    places: tuple[ExplainedTie, ...]
    groups: tuple[ExplainedTie, ...]
    links: tuple[ExplainedLink, ...]
    disablements: tuple[Disablement, ...] = ()
    """All that keeps a user disabled beside what present sources say."""


def explain(connection: Connection, kind: Kind, thing: DirectoryObject, authority: Authority) -> Explanation:
    """Return the explanation of the object. A piece of work for `Database.read`."""
    rows = record_rows.linked_to(connection, (thing.id,))
    contributing, _ = contributing_records.select(rows)
    said = contributing_records.reports(rows, contributing, lambda row: decode_attributes(row.attributes))
    disabled = tuple(disablements.of_users(connection, (thing.id,))) if kind is Kind.USER else ()
    own = all_attributes(thing)
    names = {name for one in said for name, values in one.attributes.items() if values} | {n for n, v in own.items() if v}
    if disabled:
        names.add(ENABLED)
    attributes = tuple(_attribute(kind, thing, name, said, authority, disabled) for name in sorted(names))
    ids = {row.id for row in contributing}
    groups = tuple(ExplainedTie(one, tuple(by)) for one, by in memberships.stated_of(connection, thing.id).items())
    links = tuple(_link(row, contributes=row.id in ids) for row in rows)
    return Explanation(kind, thing, attributes, _places(connection, kind, thing, rows), groups, links, disabled)


def _places(connection: Connection, kind: Kind, thing: DirectoryObject, rows: Sequence[RecordRow]) -> tuple[ExplainedTie, ...]:
    """Return the organizations of a user, or the one above an organization, with the sources whose records put it there."""
    if isinstance(thing, User):
        ids = thing.organization_ids
    else:
        above = getattr(thing, "parent_id", None)
        ids = () if above is None else (above,)
    if not ids:
        return ()
    stating = [row for row in contributing_records.present(rows) if row.decided_by != DECIDED_BY_ADDITION]
    said = OrganizationPlaces(connection).place(kind, stating)
    return tuple(
        ExplainedTie(one, tuple(dict.fromkeys(row.source_id for row in stating if one in said[row.id]))) for one in ids
    )


def _attribute(
    kind: Kind,
    thing: DirectoryObject,
    name: str,
    said: list[Contribution],
    authority: Authority,
    disabled: Sequence[Disablement],
) -> ExplainedAttribute:
    values, decision = all_attributes(thing).get(name, ()), decide(kind, name, said, authority)
    lost = decision.lost
    if name == ENABLED and isinstance(thing, User):
        if thing.gone_at is None and disabled:
            by_person = next((one for one in disabled if one.is_by_person), None)
            by, why = ("", GatewayReason.DISABLED) if by_person else (disabled[0].source_id, GatewayReason.LEFT)
            return ExplainedAttribute(name, values, by, why, _and_decided(decision.source_id, decision.values, lost))
        if thing.gone_at is None:
            return ExplainedAttribute(name, values, decision.source_id or "", decision.reason, lost)
        return ExplainedAttribute(name, values, "", GatewayReason.GONE, _and_decided(decision.source_id, decision.values, lost))
    if values == decision.values:
        return ExplainedAttribute(name, values, decision.source_id or "", decision.reason, lost)
    here = GatewayReason.TAKEN if name == NAMING_ATTRIBUTE[kind] else GatewayReason.GIVEN
    return ExplainedAttribute(name, values, "", here, _and_decided(decision.source_id, decision.values, lost))


def _and_decided(
    source_id: str | None, values: tuple[Value, ...], lost: tuple[tuple[str, tuple[Value, ...]], ...]
) -> tuple[tuple[str, tuple[Value, ...]], ...]:
    return lost if source_id is None else ((source_id, values), *lost)


def _link(row: RecordRow, *, contributes: bool) -> ExplainedLink:
    return ExplainedLink(
        row.source_id,
        row.external_id,
        row.dn,
        row.situation,
        row.decided_by or "",
        optional_time_of(row.decided_at),
        optional_time_of(row.gone_at),
        row.reason,
        contributes,
    )
