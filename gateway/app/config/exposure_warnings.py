"""Warnings about listeners that strangers may reach in the clear, and about a configuration file that others may read. All of
it may be meant, so that none of it is a complaint."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gateway.app.config.listener_tables import CertifiedTable
from gateway.app.config.settings import Settings
from gateway.app.configured_secrets import READABLE_BY_OTHERS
from gateway.app.value_types import Endpoint

_SEEN: Final = {
    "ldap": "passwords and entries",
    "http": "secrets, tokens and records",
    "management": "the admin API's token, health and metrics",
}


def warnings(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each listener that is reached from elsewhere without TLS."""
    for name, seen in _SEEN.items():
        table: CertifiedTable = getattr(settings, name)
        exposed = [str(endpoint) for endpoint in table.listen if not _is_loopback(endpoint)]
        if exposed and table.certificate is None:
            yield (
                f"[{name}] listens on {', '.join(exposed)} without TLS: {seen} can be read on the way; "
                "give certificate and key, or listen on 127.0.0.1"
            )


def of_inline_secrets(file: Path, tables: Mapping[str, object]) -> Iterator[str]:
    """Yield a sentence when the file, which has these tables, holds secrets and others may read it."""
    secrets = list(_inline_secrets(tables))
    if secrets and file.stat().st_mode & READABLE_BY_OTHERS:
        held = ", ".join(secrets)
        yield f"{file} holds a secret ({held}) and is readable by other users: chmod 600 {file}, or name a file that holds it"


def _inline_secrets(tables: Mapping[str, object]) -> Iterator[str]:
    store, sources = tables.get("store"), tables.get("source")
    url = store.get("url") if isinstance(store, dict) else None
    if isinstance(url, str) and _password_of(url):
        yield "[store] url"
    for source in sources if isinstance(sources, list) else ():
        if isinstance(source, dict) and source.get("password"):
            yield f"[[source]] {source.get('name')} password"


def _password_of(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:  # a complaint of its own
        return None


def _is_loopback(endpoint: Endpoint) -> bool:
    try:
        return ipaddress.ip_address(endpoint.host).is_loopback
    except ValueError:
        return endpoint.host == "localhost"
