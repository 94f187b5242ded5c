"""`gateway user`: who may log in (user_status.py), and the passwords of people that are kept here. A password is typed or piped
in, never an argument; an application password is shown once, when it is made."""

from __future__ import annotations

import sys

import click

from gateway.app.commands import user_status
from gateway.app.commands.invocation import Invocation
from gateway.app.commands.reports import audit_line, name_lookup
from gateway.app.commands.reports.output import as_json, print_json, print_line, print_listing
from gateway.app.config.settings import Settings
from gateway.app.parts import clock, opened_store
from gateway.directory.authentication.account_status import password_decision
from gateway.directory.authentication.password_hashing import hash_blocking
from gateway.model.applications import ApplicationPassword
from gateway.model.errors import Conflict, InvalidInput
from gateway.model.objects import User
from gateway.store.clients import application_passwords
from gateway.store.engine.database import Connection
from gateway.store.objects import passwords

BY = "gateway user set-password"


@click.group("user")
def command() -> None:
    """Disable and enable people at once, set their local passwords, and make application passwords for them."""


for _command in user_status.COMMANDS:
    command.add_command(_command)


@command.command("set-password")
@click.argument("name")
@click.pass_obj
def set_password(invocation: Invocation, name: str) -> None:
    """Give the user NAME (login name or id) a local password; asks for it, or reads a line of standard input."""
    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        user = database.read_blocking(lambda connection: _user_with_own_password(connection, settings, name))
        password_hash = hash_blocking(_password(settings.passwords.min_length))
        database.write_blocking(
            lambda connection: passwords.set_local(connection, user.id, password_hash, by=BY, now=clock.now())
        )
    audit_line.write(settings, "password set", user=user.id, name=user.username)
    print_line(f"user {user.username} has a new local password")


@command.command("clear-password")
@click.argument("name")
@click.pass_obj
def clear_password(invocation: Invocation, name: str) -> None:
    """Take the local password of the user NAME (login name or id) away."""

    def work(connection: Connection) -> tuple[User, bool]:
        user = name_lookup.user(connection, name)
        return user, passwords.clear_local(connection, user.id)

    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        user, was_set = database.write_blocking(work)
    audit_line.write(settings, "password cleared", user=user.id, name=user.username, was_set=was_set)
    print_line(f"user {user.username} has no local password {'any more' if was_set else '(there was none)'}")


@command.group("application-password")
def application_password() -> None:
    """Passwords of a person for one application each: named, revocable, independent of the person's own."""


@application_password.command("add")
@click.argument("name")
@click.argument("application")
@click.argument("label")
@as_json
@click.pass_obj
def add(invocation: Invocation, name: str, application: str, label: str, as_json: bool) -> None:
    """Make one for the user NAME and APPLICATION, called LABEL; prints it, and it cannot be shown again."""

    def work(connection: Connection) -> tuple[ApplicationPassword, str]:
        user, program = name_lookup.user(connection, name), name_lookup.application(connection, application)
        return application_passwords.add(connection, user.id, program.id, label, now=clock.now())

    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        made, password = database.write_blocking(work)
    audit_line.write(settings, "application password made", user=made.user_id, **_names(made))
    if as_json:
        print_json({**_facts(made), "password": password})
        return
    print_line(password)
    print_line("This is the password with which the application binds as the person. It is not shown again.", err=True)


@application_password.command("list")
@click.argument("name")
@as_json
@click.pass_obj
def list_all(invocation: Invocation, name: str, as_json: bool) -> None:
    """List those of the user NAME."""
    with opened_store.database(invocation.loaded.settings) as database:
        found = database.read_blocking(
            lambda connection: application_passwords.of_user(connection, name_lookup.user(connection, name).id)
        )
    print_listing(("id", "application", "name", "created"), [_facts(one) for one in found], as_json=as_json)


@application_password.command("revoke")
@click.argument("name")
@click.argument("password_id", metavar="ID")
@click.pass_obj
def revoke(invocation: Invocation, name: str, password_id: str) -> None:
    """End the one of the user NAME that `list` shows as ID."""

    def work(connection: Connection) -> ApplicationPassword:
        return application_passwords.remove(connection, name_lookup.user(connection, name).id, password_id)

    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        revoked = database.write_blocking(work)
    audit_line.write(settings, "application password revoked", user=revoked.user_id, **_names(revoked))
    print_line(f"application password {revoked.name} ({revoked.application_name}) is revoked")


def _user_with_own_password(connection: Connection, settings: Settings, name: str) -> User:
    """Return the user, when the password is ours to keep. Raises NotFound, Conflict."""
    user = name_lookup.user(connection, name)
    vouching = password_decision(connection, user.id, settings.password_authority()).vouching
    if vouching:
        raise Conflict(
            f"the password of {user.username} is kept by the source {vouching[0].source_id}: change it there, or set "
            "authentication = false for that source"
        )
    return user


def _password(min_length: int) -> bytes:
    if sys.stdin.isatty():
        text: str = click.prompt("New password", hide_input=True, confirmation_prompt=True)
    else:
        text = sys.stdin.readline().rstrip("\r\n")
    if len(text) < min_length:
        raise InvalidInput(f"the password is too short: {min_length} characters are the least ([passwords] min_length)")
    return text.encode()


def _names(password: ApplicationPassword) -> dict[str, object]:
    """Return the fields of an audit line."""
    return {"id": password.id, "application": password.application_name, "name": password.name}


def _facts(password: ApplicationPassword) -> dict[str, object]:
    return {
        "id": password.id,
        "application": password.application_name,
        "name": password.name,
        "created": password.created_at,
    }
