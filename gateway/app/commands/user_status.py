"""`gateway user list`, `show`, `disable`, `enable`, `unlock`: who may log in, and why not. A decision is done at once, also
beside a running `gateway serve`: no node takes a bind of the user from then on, and open LDAP connections of theirs end within
two seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

import click

from gateway.app.commands.invocation import Invocation
from gateway.app.commands.reports import account_report, audit_line, name_lookup
from gateway.app.commands.reports.operator_name import login_name
from gateway.app.commands.reports.output import as_json, print_json, print_line, print_listing
from gateway.app.config.settings import Settings
from gateway.app.parts import local_parts, opened_store
from gateway.directory.authentication.account_status import password_decision
from gateway.directory.authentication.bind_names import lock_keys
from gateway.model.objects import Kind, User
from gateway.store.engine.database import Connection, Database
from gateway.store.objects import disablements, users
from gateway.store.objects.disablements import Disablement
from gateway.store.operations import soft_locks
from gateway.sync.review.explanation import explain
from gateway.sync.rules.authority import ENABLED

AT_ONCE = 1_000
MAX_REASON = 500
"""Characters of a reason: a sentence or two, for whoever asks later."""


@click.command("list")
@click.option("--disabled", "only_disabled", is_flag=True, help="Only those who may not log in.")
@click.option("--locked", "only_locked", is_flag=True, help="Only those with a soft lock: too many wrong passwords.")
@as_json
@click.pass_obj
def list_all(invocation: Invocation, only_disabled: bool, only_locked: bool, as_json: bool) -> None:
    """List the users: whether they may log in, and what keeps them from it."""
    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        rows = [
            _row(user, standing, locked_until)
            for user, standing, locked_until in _everybody(database, settings.limits.bind_failures)
            if not (only_disabled and user.enabled) and not (only_locked and locked_until is None)
        ]
    print_listing(("name", "id", "status", "because", "locked_until"), rows, as_json=as_json)


@click.command("show")
@click.argument("name")
@as_json
@click.pass_obj
def show(invocation: Invocation, name: str, as_json: bool) -> None:
    """Show whether the user NAME (login name or id) may log in, and who checks the password."""
    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        facts, lines = database.read_blocking(lambda c: _account(c, name_lookup.user(c, name), settings))
    if as_json:
        print_json(facts)
        return
    for line in lines:
        print_line(line)


@click.command("disable")
@click.argument("name")
@click.option("--reason", default="", help="Kept and shown with it.")
@as_json
@click.pass_obj
def disable(invocation: Invocation, name: str, reason: str, as_json: bool) -> None:
    """Disable the user NAME (login name or id) at once, whatever sources say, until `gateway user enable`."""
    _decide(invocation, name, True, reason, as_json=as_json)


@click.command("enable")
@click.argument("name")
@as_json
@click.pass_obj
def enable(invocation: Invocation, name: str, as_json: bool) -> None:
    """End what keeps the user NAME (login name or id) disabled: `gateway user disable`, and a source that they left. A source
    that still has the user, and has them disabled, goes on to decide. It also lets the sources that are left check the password
    of a user whom the one that checked it has no more."""
    _decide(invocation, name, False, "", as_json=as_json)


@click.command("unlock")
@click.argument("name")
@as_json
@click.pass_obj
def unlock(invocation: Invocation, name: str, as_json: bool) -> None:
    """Lift the soft lock of the user NAME (login name or id): wrong passwords of before count no more, on any node."""

    def work(connection: Connection) -> tuple[User, bool]:
        user = name_lookup.user(connection, name)
        return user, soft_locks.forget(connection, lock_keys(user.id))

    settings = invocation.loaded.settings
    with opened_store.database(settings) as database:
        user, was_locked = database.write_blocking(work)
    audit_line.write(settings, "user unlocked", user=user.id, name=user.username, was_locked=was_locked)
    if as_json:
        print_json({"name": user.username, "id": user.id, "was_locked": was_locked})
        return
    print_line(f"user {user.username} {'is locked no more' if was_locked else 'was not locked'}")


COMMANDS = (list_all, show, disable, enable, unlock)


def _decide(invocation: Invocation, name: str, disabled: bool, reason: str, *, as_json: bool) -> None:
    if len(reason) > MAX_REASON:
        raise click.UsageError(f"--reason has {len(reason)} characters, and {MAX_REASON} are the most")
    settings, by = invocation.loaded.settings, login_name()
    door = local_parts.local_door(settings)

    def work(connection: Connection) -> User:
        user = name_lookup.user(connection, name)
        if disabled:
            door.disable(connection, user.id, by, reason)
        else:
            door.enable(connection, user.id)
        return user

    with opened_store.database(settings) as database:
        user = database.write_blocking(work)
        facts, lines = database.read_blocking(lambda c: _account(c, name_lookup.user(c, user.id), settings))
    said = {"reason": reason} if reason else {}
    audit_line.write(settings, "user disabled" if disabled else "user enabled", user=user.id, name=user.username, **said)
    if as_json:
        print_json(facts)
        return
    for line in lines:
        print_line(line)


def _account(connection: Connection, user: User, settings: Settings) -> tuple[dict[str, object], list[str]]:
    """Return a user's account for JSON, and in words."""
    explanation = explain(connection, Kind.USER, user, settings.authority.authority())
    password = password_decision(connection, user.id, settings.password_authority())
    status = next((one for one in explanation.attributes if one.name == ENABLED), None)
    by_source = status is not None and not user.enabled and user.gone_at is None and not explanation.disablements
    source_id = status.source_id if by_source and status is not None else ""
    lines = [f"user {user.username} ({user.id}): {_status(user)}"]
    if user.gone_at is not None:
        lines.append(f"gone since {account_report.time(user.gone_at)}: no source has this user any more")
    if source_id:
        lines.append(f"the source {source_id} has this user disabled: enable them there")
    lines += map(account_report.disabled, explanation.disablements)
    lines.append(f"password: {account_report.checked_by(password)}")
    locked_until = _locked_until(connection, [user.id], settings.limits.bind_failures).get(user.id)
    if locked_until is not None:
        lines.append(f"locked by wrong passwords until {account_report.time(locked_until)}: gateway user unlock ends it")
    facts = {
        **_row(user, explanation.disablements, locked_until),
        "gone_at": user.gone_at,
        "disabled_at_source": source_id or None,
        "disabled_by": [account_report.disabled_facts(one) for one in explanation.disablements],
        "checks_password": [account.source_id for account in password.vouching],
        "password_left": account_report.left_facts(password),
    }
    return facts, lines


def _everybody(database: Database, most: int) -> Iterator[tuple[User, list[Disablement], datetime | None]]:
    """Yield the users, each with what keeps them disabled and the end of their soft lock."""
    after = ""
    while found := database.read_blocking(partial(users.iterate, after_id=after, limit=AT_ONCE)):
        ids = [user.id for user in found]
        standing = database.read_blocking(partial(disablements.of_users, user_ids=ids))
        locked = database.read_blocking(partial(_locked_until, user_ids=ids, most=most))
        for user in found:
            yield user, [one for one in standing if one.user_id == user.id], locked.get(user.id)
        after = ids[-1]


def _locked_until(connection: Connection, user_ids: Sequence[str], most: int) -> dict[str, datetime]:
    """Return the ends of the soft locks of those of the users who have one."""
    by_key = {key: user_id for user_id in user_ids for key in lock_keys(user_id)}
    found = soft_locks.among(connection, list(by_key))
    return {by_key[key]: lock.ends_at for key, lock in found.items() if lock.failures >= most}


def _status(user: User) -> str:
    return "gone" if user.gone_at is not None else "enabled" if user.enabled else "disabled"


def _row(user: User, standing: Sequence[Disablement], locked_until: datetime | None) -> dict[str, object]:
    because = "; ".join(one.reason or one.decided_by if one.is_by_person else f"left {one.source_id}" for one in standing)
    row = {"name": user.username, "id": user.id, "status": _status(user), "because": "" if user.enabled else because}
    return {**row, "locked_until": locked_until}
