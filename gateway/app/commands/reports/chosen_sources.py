"""The sources that a command is about."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.app.config.settings import Settings
from gateway.app.connector_kinds.source_table import SourceTable
from gateway.model.errors import NotFound


def chosen_sources(settings: Settings, name: str | None) -> Sequence[SourceTable]:
    """Return the source of that name, or all. Raises NotFound naming those that there are."""
    if name is None:
        return settings.source
    chosen = [table for table in settings.source if table.name.lower() == name.lower()]
    if not chosen:
        known = ", ".join(table.name for table in settings.source) or "none"
        raise NotFound(f"there is no source {name!r} in the configuration; the sources are: {known}")
    return chosen
