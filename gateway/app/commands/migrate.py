"""`gateway migrate`: bring the store's schema to this version's."""

from __future__ import annotations

import click

from gateway.app.commands.invocation import Invocation
from gateway.app.commands.reports.output import print_line
from gateway.app.parts import opened_store
from gateway.store.engine import migrate


@click.command("migrate")
@click.pass_obj
def command(invocation: Invocation) -> None:
    """Bring the store's schema to this version's.

    A PostgreSQL store needs it before the first `serve` and after an update; an embedded store is migrated by itself.
    """
    database = opened_store.unchecked_database(invocation.loaded.settings)
    try:
        migrate.migrate(database)
        print_line(f"{database.name} has the schema of this version")
    finally:
        database.close()
