"""`gateway application`: the programs that read and write here, and their rights; the commands about their secrets are in
application_secret.py. A secret is shown once, when it is made."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from gateway.app.commands import application_secret
from gateway.app.commands.invocation import Invocation
from gateway.app.commands.reports import application_report, audit_line, name_lookup
from gateway.app.commands.reports.output import as_json, print_json, print_line, print_listing
from gateway.app.config import name_warnings
from gateway.app.config.settings import Settings
from gateway.app.parts import clock, opened_store
from gateway.model.applications import Application, Grant, Scope
from gateway.model.objects import ROOT_ORGANIZATION_ID
from gateway.store.clients import applications
from gateway.store.engine.database import Connection
from gateway.store.operations import instance

_organizations = click.option(
    "--organization",
    "organization_names",
    multiple=True,
    help="Sees this organization and all below: path (Sales/Europe) or id.",
)
_groups = click.option("--group", "group_names", multiple=True, help="Sees this group only: its name or id. Repeat for more.")
_no_groups = click.option("--no-groups", is_flag=True, help="Sees no groups.")
_views = click.option("--view", "views", multiple=True, help="May use this LDAP view. Default: the first one.")
_attributes = click.option("--attribute", "attributes", multiple=True, help="May read only this LDAP attribute. Repeat it.")
_grants = click.option(
    "--grant",
    "grants",
    multiple=True,
    type=click.Choice([grant.value for grant in Grant]),
    help="May also write entries, act as others (RFC 4370), or set people's passwords. Repeat it.",
)
_certificates = click.option(
    "--certificate-name",
    "certificate_names",
    multiple=True,
    help="A TLS client certificate with this name is it (SASL EXTERNAL): a subject's DN, dns:HOST, email:ADDRESS, uri:URI. "
    "Repeat it.",
)
_description = click.option("--description", help="What it is, for the reader of the list.")


@click.group("application")
def command() -> None:
    """Add, list, change and remove applications."""


for _command in application_secret.COMMANDS:
    command.add_command(_command)


@command.command()
@click.argument("name")
@_organizations
@_groups
@_no_groups
@_views
@_attributes
@_grants
@_certificates
@_description
@as_json
@click.pass_obj
def add(invocation: Invocation, /, name: str, description: str | None, as_json: bool, **rights: Any) -> None:
    """Add the application NAME; prints its secret, which cannot be shown again."""
    settings = invocation.loaded.settings
    _warn_of_attributes(settings, rights["attributes"])
    if not name.strip() or len(name) > 64 or not name.isprintable():
        raise click.BadParameter("1 to 64 printable characters", param_hint="NAME")

    def work(connection: Connection) -> tuple[Application, str, str]:
        scope = _scope(connection, Scope(), **_scope_words(rights))
        views = _known_views(settings, rights["views"])
        added, secret = applications.add(
            connection,
            name,
            now=clock.now(),
            scope=scope,
            views=views,
            attributes=rights["attributes"] or None,
            description=description or "",
            grants=rights["grants"],
            certificate_names=rights["certificate_names"],
        )
        return added, secret, instance.instance_id(connection)

    with opened_store.database(settings) as database:
        application, secret, instance_id = database.write_blocking(work)
    audit_line.write(settings, "application added", application=application.name, id=application.id, **_given(rights))
    application_report.print_access(settings, application, instance_id, secret, as_json=as_json)


@command.command("list")
@as_json
@click.pass_obj
def list_all(invocation: Invocation, as_json: bool) -> None:
    """List all applications."""
    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        rows = database.read_blocking(partial(application_report.all_facts, settings=settings))
    rights = ("organizations", "groups", "views", "attributes", "grants")
    columns = ("name", "client_id", "enabled", *rights, "old_secret", "description")
    print_listing(columns, rows, as_json=as_json, words=application_report.words)


@command.command()
@click.argument("name")
@as_json
@click.pass_obj
def show(invocation: Invocation, name: str, as_json: bool) -> None:
    """Show the application NAME (or id): its bind DN, client id, base URL and rights."""
    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        application = database.read_blocking(lambda connection: name_lookup.application(connection, name))
        facts = database.read_blocking(partial(application_report.facts_of, application=application, settings=settings))
        instance_id = database.read_blocking(instance.instance_id)
    shown = {**facts, **application_report.access(settings, application, instance_id)}
    if as_json:
        print_json(shown)
    else:
        application_report.print_facts(shown)


@command.command()
@click.argument("name")
@click.confirmation_option("--yes", prompt="Its secret and its tokens end at once. Remove it?")
@click.pass_obj
def remove(invocation: Invocation, name: str) -> None:
    """Remove the application NAME (or id)."""

    def work(connection: Connection) -> str:
        application = name_lookup.application(connection, name)
        applications.remove(connection, application.id)
        return application.name

    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        removed = database.write_blocking(work)
    audit_line.write(settings, "application removed", application=removed)
    print_line(f"application {removed} is removed")


@command.command("set")
@click.argument("name")
@_organizations
@_groups
@_no_groups
@click.option("--all-organizations", is_flag=True, help="Sees every organization.")
@click.option("--all-groups", is_flag=True, help="Sees every group.")
@_views
@_attributes
@click.option("--all-attributes", is_flag=True, help="May read every attribute.")
@_grants
@click.option("--no-grants", is_flag=True, help="May do nothing but read.")
@_certificates
@click.option("--no-certificate-names", is_flag=True, help="No certificate is it.")
@_description
@click.option("--enable/--disable", "enabled", default=None, help="Let it in, or keep it out.")
@click.pass_obj
def change(invocation: Invocation, /, name: str, description: str | None, enabled: bool | None, **rights: Any) -> None:
    """Change what the application NAME (or id) may see. What is not mentioned stays."""
    settings = invocation.loaded.settings
    _warn_of_attributes(settings, rights["attributes"])

    def work(connection: Connection) -> Application:
        application = name_lookup.application(connection, name)
        scope = _scope(connection, application.scope, **_scope_words(rights))
        views = _known_views(settings, rights["views"]) or application.views
        attributes = None if rights["all_attributes"] else rights["attributes"] or application.attributes
        applications.set_rights(connection, application.id, scope, views, attributes)
        if rights["grants"] or rights["no_grants"]:
            applications.set_grants(connection, application.id, rights["grants"])
        if rights["certificate_names"] or rights["no_certificate_names"]:
            applications.set_certificate_names(connection, application.id, rights["certificate_names"])
        if description is not None:
            applications.set_description(connection, application.id, description)
        if enabled is not None:
            applications.set_enabled(connection, application.id, enabled)
        return application

    with opened_store.database(settings) as database:
        changed = database.write_blocking(work)
    given = _given({**rights, "description": description})
    audit_line.write(settings, "application changed", application=changed.name, id=changed.id, enabled=enabled, **given)
    print_line(f"application {changed.name} is changed")


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given, for the audit line: rights and names; no secret is an option."""
    return {key: value for key, value in options.items() if value}


def _scope_words(rights: dict[str, Any]) -> dict[str, Any]:
    names = ("organization_names", "group_names", "no_groups", "all_organizations", "all_groups")
    return {name: rights.get(name, False) for name in names}


def _scope(
    connection: Connection,
    present: Scope,
    *,
    organization_names: tuple[str, ...],
    group_names: tuple[str, ...],
    no_groups: bool,
    all_organizations: bool,
    all_groups: bool,
) -> Scope:
    organizations = (
        tuple(name_lookup.organization_id(connection, name) for name in organization_names) or present.organization_ids
    )
    groups = tuple(name_lookup.group_id(connection, name) for name in group_names) or present.group_ids
    if sum((no_groups, all_groups, bool(group_names))) > 1:
        raise click.UsageError("--group, --no-groups and --all-groups exclude each other")
    if all_organizations:
        organizations = (ROOT_ORGANIZATION_ID,)
    return Scope(organizations, () if no_groups else None if all_groups else groups)


def _known_views(settings: Settings, views: tuple[str, ...]) -> tuple[str, ...]:
    known = [table.name for table in settings.view]
    for view in views:
        if view not in known:
            raise click.BadParameter(f"there is no view {view!r}; the views are: {', '.join(known)}", param_hint="--view")
    return views


def _warn_of_attributes(settings: Settings, attributes: tuple[str, ...]) -> None:
    """Warn of attributes that no view shows: they may be shown later, so that they are no error."""
    for attribute in attributes:
        near = name_warnings.unshown(settings, attribute)
        if near is not None:
            print_line(f"warning: --attribute {attribute}: no view shows it{near and f'; did you mean {near}?'}", err=True)
