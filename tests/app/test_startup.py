"""The start of a command: quick, because it loads only what the command needs. Modules are pinned, not seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from gateway.app import cli
from tests.app.installation import Installation

REPORT = """
import sys
from gateway.app import cli
code = cli.run(sys.argv[1:])
print(*sorted(sys.modules), sep="\\n", file=sys.stderr)
sys.exit(code)
"""
HEAVY = {"twisted", "sqlalchemy", "alembic", "pydantic", "structlog", "ldap3", "klein", "prometheus_client", "asyncio"}
"""Each costs some 50 to 250 ms of CPU."""


def loaded_modules(*arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", REPORT, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_load_click_and_no_command(option: str) -> None:
    loaded = loaded_modules(option)
    assert not loaded & HEAVY
    assert {name for name in loaded if name.startswith("gateway.app.commands.")} == {
        "gateway.app.commands.exit_codes",
        "gateway.app.commands.invocation",
    }


def test_status_loads_no_server_no_source_client_and_no_inbound_door(gateway: Installation) -> None:
    loaded_modules("-c", str(gateway.file), "status")  # makes the store, for which it loads Alembic
    loaded = loaded_modules("-c", str(gateway.file), "status")
    assert not loaded & (HEAVY - {"twisted", "sqlalchemy", "pydantic", "asyncio"})  # the store needs these
    assert not loaded & {"twisted.internet.reactor", "twisted.internet.endpoints", "twisted.internet.ssl", "OpenSSL", "rich"}
    assert not [name for name in loaded if name.startswith("gateway.frontends")]
    assert not loaded & {"gateway.sync.inbound", "gateway.app.parts.source_parts", "gateway.app.wiring", "gateway.app.service"}


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_list_of_commands_says_what_the_command_says(name: str) -> None:
    entry = cli.COMMANDS[name]
    command = entry.load()
    assert command.name == name
    assert click.Command(name, help=entry.help).get_short_help_str(999) == command.get_short_help_str(999)


def test_every_command_module_is_in_the_list() -> None:
    folder = Path(cli.__file__).parent / "commands"
    apart = {"__init__", "exit_codes", "invocation", "user_status", "application_secret"}  # the last two: parts of others
    assert {path.stem for path in folder.glob("*.py")} - apart == set(cli.COMMANDS)
