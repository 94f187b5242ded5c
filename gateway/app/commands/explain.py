"""`gateway explain`: why a user, an organization or a group is as it is. Binary values are shown by their size alone, and
secrets that a source holds are not shown."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

import click

from gateway.app.commands.invocation import Invocation
from gateway.app.commands.reports import account_report, name_lookup
from gateway.app.commands.reports.output import as_json, print_json, print_line, print_table
from gateway.app.config.settings import Settings
from gateway.app.parts import opened_store
from gateway.directory.authentication.account_status import password_decision
from gateway.directory.authentication.password_authority import PasswordDecision
from gateway.directory.search.view_reader import ViewReader
from gateway.directory.view_file.view_file import ViewFile
from gateway.model.attributes import shown
from gateway.model.errors import GatewayError, NotFound
from gateway.model.ldap import dn
from gateway.model.objects import DirectoryObject, Kind, User, Value
from gateway.store.engine.database import Connection
from gateway.store.objects.by_kind import OBJECT_STORES
from gateway.store.records import records
from gateway.sync.review.explanation import ExplainedAttribute, ExplainedLink, ExplainedTie, Explanation, explain

LONGEST = 60  # of the values of one attribute in a table; --json has them whole


@click.command("explain")
@click.argument("kind", type=click.Choice([Kind.USER.value, Kind.ORGANIZATION.value, Kind.GROUP.value]))
@click.argument("name")
@as_json
@click.pass_obj
def command(invocation: Invocation, kind: str, name: str, as_json: bool) -> None:
    """Say of the user, organization or group NAME (name, path, id, or DN in a view or at a source) what decided each attribute.

    For each: the value, the source that decided, why (order: it goes first of those that say something; list: it is the first
    of the sources that may; yield: it was edited here, and the sources yield; only one: no other says something; fall-back:
    those that go before it say nothing; left: the user has left it, disabled; disabled: by an administrator; gone, taken,
    given: the gateway itself), and what others say; then its records."""
    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        in_views = _in_views(settings, name)

        def work(connection: Connection) -> tuple[Explanation, dict[str, str], PasswordDecision]:
            thing = _find(connection, Kind(kind), name, in_views)
            explanation = explain(connection, Kind(kind), thing, settings.authority.authority())
            return explanation, _names(connection, explanation), _password(connection, thing, settings)

        explanation, names, password = database.read_blocking(work)
    if as_json:
        print_json(_facts(explanation, names, password))
        return
    _print(explanation, names, password)


def _password(connection: Connection, thing: DirectoryObject, settings: Settings) -> PasswordDecision:
    """Return which sources check a user's password, and why."""
    if not isinstance(thing, User):
        return PasswordDecision()
    return password_decision(connection, thing.id, settings.password_authority())


def _find(connection: Connection, kind: Kind, name: str, in_views: Sequence[str]) -> DirectoryObject:
    """Return the object of this name. Raises NotFound or Conflict."""
    at_dn = [*in_views, *(records.objects_at_dn(connection, kind, dn.key(name)) if _is_dn(name) else ())]
    for object_id in at_dn:
        found = OBJECT_STORES[kind].get(connection, object_id)
        if found is not None:
            return found
    if kind is Kind.USER:
        return name_lookup.user(connection, name)
    identifier = name_lookup.group_id(connection, name) if kind is Kind.GROUP else name_lookup.organization_id(connection, name)
    named = OBJECT_STORES[kind].get(connection, identifier)
    if named is None:
        raise NotFound(f"there is no {kind} {name!r}")
    return named


def _is_dn(name: str) -> bool:
    try:
        return bool(dn.key(name)) and "=" in name
    except dn.InvalidDN:
        return False


def _in_views(settings: Settings, name: str) -> list[str]:
    """Return the ids of the objects that have this DN in a view, as far as the views are built."""
    found = []
    for table in settings.view if _is_dn(name) else ():
        file = ViewFile(settings.view_dir, table.view())
        if not file.path.exists():
            continue
        with (
            contextlib.suppress(GatewayError, sqlite3.Error),
            contextlib.closing(ViewReader(file)) as reader,
        ):  # it may be built now
            row = reader.row(dn.key(name))
            found += [] if row is None else [row[2]]
    return found


def _names(connection: Connection, explanation: Explanation) -> dict[str, str]:
    """Return the paths of the object's organizations and the names of its groups, by their ids."""
    paths = {one.object_id: name_lookup.organization_path(connection, one.object_id) for one in explanation.places}
    return paths | {one.object_id: name_lookup.group_name(connection, one.object_id) for one in explanation.groups}


def _print(explanation: Explanation, names: Mapping[str, str], password: PasswordDecision) -> None:
    thing = explanation.object
    where = f", in {', '.join(names[one.object_id] for one in explanation.places)}" if explanation.places else ""
    print_line(f"{explanation.kind} {_name(thing)} ({thing.id}){where}")
    if isinstance(thing, User) and thing.gone_at is not None:
        print_line(f"gone since {account_report.time(thing.gone_at)}: no source has this user any more")
    if isinstance(thing, User):
        for one in explanation.disablements:
            print_line(account_report.disabled(one))
        print_line(f"password: {account_report.checked_by(password)}")
    print_line()
    print_table(
        ("attribute", "value", "decided by", "why", "others say"),
        (
            (one.name, _text(one.name, one.values), one.source_id or "gateway", one.reason or "", _others(one))
            for one in explanation.attributes
        ),
    )
    print_line()
    ties = [("organization", one) for one in explanation.places] + [("group", one) for one in explanation.groups]
    if ties:
        print_table(
            ("in", "name", "said by"),
            ((kind, names[one.object_id], ", ".join(one.source_ids) or "nobody: the source's target") for kind, one in ties),
        )
        print_line()
    print_table(
        ("source", "external id", "dn", "situation", "decided by", "when"),
        (
            (one.source_id, one.external_id, one.dn, _situation(one), one.decided_by, one.decided_at)
            for one in explanation.links
        ),
    )


def _name(thing: DirectoryObject) -> str:
    return thing.username if isinstance(thing, User) else thing.name


def _situation(link: ExplainedLink) -> str:
    return link.situation if link.contributes else f"{link.situation} (not heard)"


def _others(one: ExplainedAttribute) -> str:
    return "; ".join(f"{source}: {_text(one.name, values)}" for source, values in one.lost)


def _text(name: str, values: Iterable[Value]) -> str:
    text = ", ".join(shown(name, values))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _tie_facts(ties: Sequence[ExplainedTie], names: Mapping[str, str]) -> list[dict[str, object]]:
    return [{"id": one.object_id, "name": names[one.object_id], "sources": list(one.source_ids)} for one in ties]


def _facts(explanation: Explanation, names: Mapping[str, str], password: PasswordDecision) -> dict[str, object]:
    thing = explanation.object
    asked = {
        (account.source_id, account.external_id): why for account, why in zip(password.vouching, password.reasons, strict=True)
    }
    return {
        "kind": explanation.kind.value,
        "id": thing.id,
        "name": _name(thing),
        "organizations": _tie_facts(explanation.places, names),
        "groups": _tie_facts(explanation.groups, names),
        "password_left": account_report.left_facts(password),
        "disabled_by": [account_report.disabled_facts(one) for one in explanation.disablements],
        "gone_at": thing.gone_at if isinstance(thing, User) else None,
        "attributes": [
            {
                "name": one.name,
                "values": shown(one.name, one.values),
                "source": one.source_id or None,
                "reason": one.reason,
                "others": [{"source": source, "values": shown(one.name, values)} for source, values in one.lost],
            }
            for one in explanation.attributes
        ],
        "links": [
            {
                "source": one.source_id,
                "external_id": one.external_id,
                "dn": one.dn,
                "situation": one.situation,
                "reason": one.reason,
                "speaks": one.contributes,
                "decided_by": one.decided_by,
                "decided_at": one.decided_at,
                "gone_at": one.gone_at,
                "checks_password": (one.source_id, one.external_id) in asked,
                "checks_because": asked.get((one.source_id, one.external_id)),
            }
            for one in explanation.links
        ],
    }
