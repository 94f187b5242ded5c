"""`gateway config`: the settings in force, shown or checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from gateway.app.commands.invocation import Invocation
from gateway.app.commands.reports.output import as_json, print_json, print_line
from gateway.app.config.settings import Settings
from gateway.app.configured_secrets import MASK
from gateway.app.parts import listener_certificate

SECRETS = {"password", "url"}  # the `url` of [store] only: a source's URLs are no secret and are lists


@click.group("config")
def command() -> None:
    """Show or check the configuration."""


@command.command()
@as_json
@click.pass_obj
def show(invocation: Invocation, as_json: bool) -> None:
    """Print what is in force, after file, environment and command line, with secrets masked."""
    tables = effective(invocation.loaded.settings)
    if as_json:
        print_json(tables)
    else:
        print_line(f"# in force with {invocation.loaded.file}")
        for line in toml_lines(tables):
            print_line(line)


@command.command()
@click.pass_obj
def check(invocation: Invocation) -> None:
    """Read and check the configuration and the certificates that it names, and do nothing else."""
    settings = invocation.loaded.settings
    for table in (settings.ldap, settings.http, settings.management):
        listener_certificate.certificate(table)
    sources = ", ".join(source.name for source in settings.source) or "none"
    for warning in invocation.loaded.warnings:
        print_line(f"warning: {warning}", err=True)
    print_line(f"{invocation.loaded.file} is right; sources: {sources}")


def effective(settings: Settings) -> dict[str, Any]:
    """Return the settings as plain values, without what is not set; secrets masked, secret files and variables by their
    names."""
    tables = settings.model_dump(mode="json")
    for table, view in zip(tables["view"], settings.view, strict=True):
        table.update(view.in_force(), user_access=settings.user_access()[view.name].value)
    return _shown(tables)


def _shown(table: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            shown[key] = _shown(value)
        elif isinstance(value, list):
            shown[key] = [_shown(item) if isinstance(item, dict) else item for item in value]
        elif value is not None:
            shown[key] = MASK if key in SECRETS else value
    return {key: value for key, value in shown.items() if value not in ({}, None)}


def toml_lines(tables: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the tables as lines of TOML: first the keys, then the tables inside."""
    for key, value in tables.items():
        if not _is_table(value):
            yield f"{key} = {_toml_value(value)}"
    for key, value in tables.items():
        for table in value if isinstance(value, list) and _is_table(value) else [value] if _is_table(value) else []:
            yield ""
            yield f"[[{prefix}{key}]]" if isinstance(value, list) else f"[{prefix}{key}]"
            yield from toml_lines(table, f"{prefix}{key}.")


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_toml_value(item) for item in value)}]"
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
