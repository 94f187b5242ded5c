"""`gateway instance`: the identity of this installation's store, the key of the tokens that it gives to clients, and the epoch
of its history."""

from __future__ import annotations

import click

from gateway.app.commands.invocation import Invocation
from gateway.app.commands.reports import audit_line
from gateway.app.commands.reports.output import as_json, print_json, print_line
from gateway.app.parts import opened_store
from gateway.store.log import epoch
from gateway.store.operations import instance


@click.group("instance")
def command() -> None:
    """Show the instance id; renew the key of the tokens that clients hold, or the store's epoch."""


@command.command("show")
@as_json
@click.pass_obj
def show(invocation: Invocation, as_json: bool) -> None:
    """Show the instance id, which is part of every path of the Developer API."""
    with opened_store.database(invocation.loaded.settings) as database:
        instance_id = database.read_blocking(instance.instance_id)
    if as_json:
        print_json({"instance_id": instance_id})
    else:
        print_line(f"instance id: {instance_id}")


@command.command("rotate-key")
@click.pass_obj
def rotate_key(invocation: Invocation) -> None:
    """Renew the key by which nextTokens are known again, on all nodes at once.

    Tokens that clients hold now stay valid until the next rotation; to end them at once, rotate twice.
    """
    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        database.write_blocking(instance.rotate_token_key)
    audit_line.write(settings, "token key rotated")
    print_line("there is a new key; tokens made with the one before it are accepted until the next rotation")


@command.command("new-history")
@click.pass_obj
def new_history(invocation: Invocation) -> None:
    """Begin a new history after the store was restored from a backup, on all nodes at once.

    Views are built anew, sources are compared in full, and clients of /changes and of content synchronization are told to begin
    anew. A running gateway finds by itself that its store went back in time; this leaves nothing to be found.
    """
    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        database.write_blocking(epoch.renew)
    audit_line.write(settings, "new history")
    print_line("the store has a new history: views are built and sources compared anew")
