"""The store from its table of the configuration, opened. A command that only reads imports this and no source's client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.app.config.settings import Settings
from gateway.app.parts import lease_holder
from gateway.app.process import data_directory
from gateway.store.engine import migrate
from gateway.store.engine.database import Database
from gateway.twisted_internals.reactor import IReactor


def open_database(settings: Settings, reactor: IReactor | None = None) -> Database:
    """Open the store, with this program's schema. An embedded one is made and migrated; another one must have been
    (`gateway migrate`). Raises StoreUnavailable or ConfigurationError."""
    database = unchecked_database(settings, reactor)
    try:
        if database.embedded:
            migrate.migrate(database)
        else:
            migrate.check_schema(database)
        lease_holder.free_left_behind(database)
    except BaseException:
        database.close()
        raise
    return database


def unchecked_database(settings: Settings, reactor: IReactor | None = None) -> Database:
    """Return the store without a look at its schema."""
    if settings.store_is_embedded:
        data_directory.prepare(settings.data_dir)
    return Database(settings.store_url, reactor=reactor)


@contextmanager
def database(settings: Settings) -> Iterator[Database]:
    """Open the store for a command and close it at the end."""
    opened = open_database(settings)
    try:
        yield opened
    finally:
        opened.close()
