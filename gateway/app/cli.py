"""The command `gateway`: its list of commands, the options before them, and the exit code.

This module imports click and the errors, nothing else of ours: `gateway --version` and `gateway --help` are answered from here.
A command's module is imported when the command is called, so that `gateway status` does not wait for what only `serve` needs.
`tests/app/test_startup.py` names the modules that may not be loaded.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from io import StringIO
from typing import NamedTuple

import click

from gateway import __version__
from gateway.app.commands.exit_codes import FAILED, OK, exit_code
from gateway.app.commands.invocation import Invocation
from gateway.app.config.file_location import CONFIG_VARIABLE, PLACES
from gateway.model.errors import GatewayError
from gateway.model.printable_text import printable, printable_lines

EPILOG = """\b
Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 stopped by the deletion guard,
4 a source could not be read, 5 the store cannot be used."""


class Entry(NamedTuple):
    """A command of the list: `module:attribute` of the click command, and its line in `gateway --help`."""

    target: str
    help: str

    def load(self) -> click.Command:
        """Import the command."""
        module, attribute = self.target.split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101
        return command


COMMANDS: dict[str, Entry] = {
    "serve": Entry(
        "gateway.app.commands.serve:command",
        "Run the gateway in the foreground until SIGTERM or Ctrl-C.",
    ),
    "check": Entry(
        "gateway.app.commands.check:command",
        "Try every step of reading SOURCE (or all), and show the first five of each kind as they would become.",
    ),
    "sync": Entry("gateway.app.commands.sync:command", "Read SOURCE (or all) now."),
    "status": Entry(
        "gateway.app.commands.status:command",
        "Show SOURCE (or all): last run, counts, position, lag, last error; with --problems the records that were left out "
        "and the deletions that are held; with --runs what the last runs did.",
    ),
    "explain": Entry(
        "gateway.app.commands.explain:command",
        "Say of the user, organization or group NAME (name, path, id, or DN in a view or at a source) what decided each "
        "attribute.",
    ),
    "source": Entry(
        "gateway.app.commands.source:command",
        "Keep, or let go of, what came from a source that is not in the configuration any more.",
    ),
    "application": Entry(
        "gateway.app.commands.application:command",
        "Add, list, change and remove applications.",
    ),
    "user": Entry(
        "gateway.app.commands.user:command",
        "Disable and enable people at once, set their local passwords, and make application passwords for them.",
    ),
    "links": Entry(
        "gateway.app.commands.links:command",
        "Show which records of sources belong to nothing yet, and decide to whom they belong.",
    ),
    "instance": Entry(
        "gateway.app.commands.instance:command",
        "Show the instance id; renew the key of the tokens that clients hold, or the store's epoch.",
    ),
    "migrate": Entry("gateway.app.commands.migrate:command", "Bring the store's schema to this version's."),
    "config": Entry("gateway.app.commands.config:command", "Show or check the configuration."),
}
"""The commands in the order of `gateway --help`. The help is that of the command itself, whose module is not imported for
it."""


class LazyGroup(click.Group):
    """COMMANDS, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return COMMANDS[cmd_name].load() if cmd_name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list as click does, from the lines of COMMANDS: click would import every command to ask for its help."""
        limit = formatter.width - 6 - max(map(len, COMMANDS))  # 6: click's indentation and the gap between the columns
        listed = [(name, click.Command(name, help=entry.help)) for name, entry in COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(limit)) for name, command in listed])


@click.command(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option(
    "-c",
    "--config",
    "file",
    metavar="FILE",
    help=f"The configuration; else ${CONFIG_VARIABLE}, {PLACES[0]}, ./{PLACES[1]}.",
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
    """Run one command line and return its exit code. Errors of ours are one sentence on standard error, never a traceback."""
    try:
        outcome = gateway.main(list(arguments), prog_name="gateway", standalone_mode=False)
    except click.ClickException as error:
        shown = StringIO()
        error.show(shown)
        click.echo(printable_lines(shown.getvalue()), err=True, nl=False)
        return error.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return 130  # as a shell reports SIGINT
    except GatewayError as error:
        with contextlib.suppress(OSError):  # standard error cannot be written: the exit code still tells
            for line in str(error).splitlines():
                click.echo(f"gateway: {printable(line)}", err=True)
        return exit_code(error)
    except BrokenPipeError:  # `gateway status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return outcome if isinstance(outcome, int) else OK


def main() -> None:
    """Run the console script."""
    _fill_standard_files()
    sys.exit(run(sys.argv[1:]))


def _fill_standard_files() -> None:
    """Open what was closed of standard input, output and error (`2>&-`), or a file of the store would get the number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number is this one
