"""`gateway serve`: run the gateway in the foreground."""

from __future__ import annotations

import os

import click

from gateway.app.commands.invocation import Invocation
from gateway.twisted_internals.turn_reactor import turn_reactor


@click.command("serve")
@click.pass_context
def command(context: click.Context) -> None:
    """Run the gateway in the foreground until SIGTERM or Ctrl-C. SIGHUP reads the certificates again."""
    turn_reactor()
    from gateway.app import service  # what it is made of imports Twisted's reactor, which would be another one then

    invocation: Invocation = context.obj
    context.exit(service.serve(invocation.loaded, os.environ))
