"""Applications in words and as JSON: how one gets in, what it may see, and its secrets, which are shown once."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gateway.app.commands.reports import name_lookup
from gateway.app.commands.reports.output import print_json, print_line
from gateway.app.config.settings import Settings
from gateway.app.parts import clock
from gateway.model.applications import Application
from gateway.store.clients import applications
from gateway.store.engine.database import Connection

_NONE: Final = {"old_secret": "none"}
"""None in words where it does not mean "all"."""


def access(settings: Settings, application: Application, instance_id: str) -> dict[str, object]:
    """Return how the application gets in: its bind DN in each view it may use, its client id, the API's base URL."""
    granted = _views(settings, application)
    views = [table.view() for table in settings.view if table.name in granted]
    listening = str(settings.http.listen[0]) if settings.http.listen else "(not listening)"
    scheme = "https" if settings.http.certificate else "http"
    return {
        "bind_dns": [str(view.applications.child("cn", application.name)) for view in views],
        "client_id": application.id,
        "base_url": f"{scheme}://{listening}/v2/{instance_id}/{application.id}",
    }


def print_access(settings: Settings, application: Application, instance_id: str, secret: str, *, as_json: bool) -> None:
    """Print how the application gets in, with its new secret."""
    facts = {"name": application.name, **access(settings, application, instance_id), "secret": secret}
    if as_json:
        print_json(facts)
        return
    print_facts(facts)
    print_line("The secret is the LDAP password and the client secret. It is not shown again.", err=True)


def print_facts(facts: dict[str, object]) -> None:
    """Print one line for each."""
    for key, value in facts.items():
        print_line(f"{key.replace('_', ' ')}: {words(key, value)}")


def all_facts(connection: Connection, settings: Settings) -> list[dict[str, object]]:
    """Return the rights and the state of all applications, by name."""
    return [facts_of(connection, application, settings) for application in applications.all_applications(connection)]


def facts_of(connection: Connection, application: Application, settings: Settings) -> dict[str, object]:
    """Return the rights and the state of an application. `old_secret`: when the secret that it had before ends ("": not by
    itself); None when it has one only."""
    scope = application.scope
    return {
        "name": application.name,
        "client_id": application.id,
        "enabled": application.enabled,
        "description": application.description,
        "created": application.created_at,
        "organizations": [name_lookup.organization_path(connection, one) for one in scope.organization_ids],
        "groups": None if scope.group_ids is None else [name_lookup.group_name(connection, one) for one in scope.group_ids],
        "views": _views(settings, application),
        "attributes": None if application.attributes is None else sorted(application.attributes),
        "grants": sorted(application.grants),
        "certificate_names": list(application.certificate_names),
        "old_secret": _old_secret(application),
    }


def words(key: str, value: object) -> str:
    """Return the value of a fact for people."""
    if key == "old_secret" and value is not None:
        return f"valid until {value or 'it is ended'}"
    if value is None:
        return _NONE.get(key, "all")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _views(settings: Settings, application: Application) -> list[str]:
    return list(application.views) or [settings.view[0].name]


def _old_secret(application: Application) -> datetime | str | None:
    if application.old_secret_number is None or not application.accepts(application.old_secret_number, clock.now()):
        return None
    return application.old_secret_until or ""
