"""The option --json of all commands: a program reads what a person is shown."""

from __future__ import annotations

from collections.abc import Iterator

import click

from gateway.app.cli import COMMANDS

ONLY_A_SENTENCE = {
    "application end-old-secret",
    "application remove",
    "application set",
    "config check",
    "instance new-history",
    "instance rotate-key",
    "migrate",
    "serve",
    "user application-password revoke",
    "user clear-password",
    "user set-password",
}
"""The commands that print no data: their exit code says all that a program needs."""


def test_every_command_that_prints_data_prints_it_as_json() -> None:
    entries = [(name, entry.load()) for name, entry in COMMANDS.items()]
    without = {path for name, command in entries for path, leaf in _leaves(name, command) if "--json" not in _options(leaf)}
    assert without == ONLY_A_SENTENCE


def _leaves(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name, below in command.commands.items():
        yield from _leaves(f"{path} {name}", below)


def _options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}
