"""The command `gateway`: which commands there are, what every command is given, and what the exit code means.

A command's module is imported when it is called, so that `gateway status` does not wait for what only `serve` needs.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from functools import cached_property

import click

from gateway import __version__
from gateway.app.config import loader
from gateway.app.config.loader import Loaded
from gateway.model.errors import (
    ConfigurationError,
    DeletionsRefused,
    GatewayError,
    InvalidSourceData,
    SourceRefused,
    SourceUnavailable,
    StoreUnavailable,
)

OK, FAILED, USAGE = 0, 1, 2

EXIT_CODES: dict[type[GatewayError], int] = {
    ConfigurationError: USAGE,
    DeletionsRefused: 3,
    SourceUnavailable: 4,
    SourceRefused: 4,
    InvalidSourceData: 4,
    StoreUnavailable: 5,
}
"""Every other error of ours is FAILED."""

EPILOG = """\b
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 stopped by the deletion guard,
4 a source could not be read, 5 the store cannot be used."""

COMMANDS = {
    "serve": "gateway.app.commands.serve",
    "check": "gateway.app.commands.check",
    "sync": "gateway.app.commands.sync",
    "status": "gateway.app.commands.status",
    "explain": "gateway.app.commands.explain",
    "source": "gateway.app.commands.source",
    "application": "gateway.app.commands.application",
    "user": "gateway.app.commands.user",
    "links": "gateway.app.commands.links",
    "migrate": "gateway.app.commands.migrate",
    "config": "gateway.app.commands.config",
}
"""Each module's `command`."""


class Invocation:
    """What the options before the command said. The configuration is read when a command first asks for it."""

    def __init__(self, file: str | None, assignments: tuple[str, ...]) -> None:
        self._file = file
        self._assignments = assignments

    @cached_property
    def loaded(self) -> Loaded:
        """Raises ConfigurationError with all complaints."""
        return loader.load(loader.find(self._file, os.environ), os.environ, self._assignments)


class _Commands(click.Group):
    """COMMANDS, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name]).command
        assert isinstance(command, click.Command)  # noqa: S101
        return command


@click.command(cls=_Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option(
    "-c",
    "--config",
    "file",
    metavar="FILE",
    help=f"The configuration; else ${loader.CONFIG_VARIABLE}, {loader.PLACES[0]}, ./{loader.PLACES[1]}.",
)
@click.option(
    "--set", "assignments", metavar="TABLE.KEY=VALUE", multiple=True, help="Set a key, over the file and the environment."
)
@click.version_option(__version__, prog_name="gateway")
@click.pass_context
def gateway(context: click.Context, file: str | None, assignments: tuple[str, ...]) -> None:
    """Directory Gateway: pulls people, organizations and groups from directories and serves them over LDAP and HTTP."""
    context.obj = Invocation(file, assignments)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code. Errors of ours are one sentence on standard error, never a traceback."""
    try:
        outcome = gateway.main(list(arguments), prog_name="gateway", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return 130  # as a shell reports SIGINT
    except GatewayError as error:
        for line in str(error).splitlines():
            click.echo(f"gateway: {line}", err=True)
        return exit_code(error)
    except BrokenPipeError:  # `gateway status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return outcome if isinstance(outcome, int) else OK


def exit_code(error: GatewayError) -> int:
    """The code by which scripts tell errors apart."""
    return next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), FAILED)


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))
