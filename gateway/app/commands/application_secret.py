"""`gateway application new-secret`, `end-old-secret`: replacement of a secret, at once or with both valid for a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from gateway.app.commands.invocation import Invocation
from gateway.app.commands.reports import application_report, audit_line, name_lookup
from gateway.app.commands.reports.duration import Duration
from gateway.app.commands.reports.output import as_json, print_line
from gateway.app.parts import clock, opened_store
from gateway.model.applications import Application
from gateway.store.clients import applications
from gateway.store.engine.database import Connection
from gateway.store.operations import instance


@click.command("new-secret")
@click.argument("name")
@click.option("--keep-old", is_flag=True, help="The old secret stays valid beside the new one.")
@click.option("--for", "duration", type=Duration(), help="With --keep-old: for so long only (12h, 7d).")
@as_json
@click.pass_obj
def new_secret(invocation: Invocation, name: str, keep_old: bool, duration: timedelta | None, as_json: bool) -> None:
    """Give the application NAME (or id) a new secret. The old one, its tokens and the connections that it bound end at once, or
    with --keep-old when its programs have the new one: by `end-old-secret`, or after --for."""
    settings = invocation.loaded.settings
    if duration is not None and not keep_old:
        raise click.UsageError("--for says how long the old secret stays valid: it goes with --keep-old")
    moment = clock.now()
    until = None if duration is None else moment + duration

    def work(connection: Connection) -> tuple[Application, str, str]:
        application = name_lookup.application(connection, name)
        if keep_old:
            secret = applications.add_secret(connection, application.id, moment, until)
        else:
            secret = applications.replace_secret(connection, application.id)
        return application, secret, instance.instance_id(connection)

    with opened_store.database(settings) as database:
        application, secret, instance_id = database.write_blocking(work)
    event, end = "application secret replaced", until.isoformat(timespec="seconds") if until else "it is ended"
    kept: dict[str, Any] = {"old_secret_until": end} if keep_old else {}
    audit_line.write(settings, event, application=application.name, id=application.id, **kept)
    application_report.print_access(settings, application, instance_id, secret, as_json=as_json)
    if keep_old:
        print_line(f"The old secret stays valid until {end}: `gateway application end-old-secret {application.name}`", err=True)


@click.command("end-old-secret")
@click.argument("name")
@click.pass_obj
def end_old_secret(invocation: Invocation, name: str) -> None:
    """End the old secret of the application NAME (or id), its tokens and what it bound, once every program has the new one."""
    settings = invocation.loaded.settings

    def work(connection: Connection) -> tuple[Application, bool]:
        application = name_lookup.application(connection, name)
        return application, applications.end_old_secret(connection, application.id)

    with opened_store.database(settings) as database:
        application, ended = database.write_blocking(work)
    if not ended:
        print_line(f"application {application.name} has one secret only: nothing is changed")
        return
    audit_line.write(settings, "application old secret ended", application=application.name, id=application.id)
    print_line(f"the old secret of application {application.name} has ended")


COMMANDS = (new_secret, end_old_secret)
