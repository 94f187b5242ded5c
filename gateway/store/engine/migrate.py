"""The schema's version: migrating a store to this program's, and refusing one that has another. The steps are in
`migrations/`."""

from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from gateway.model.errors import StoreUnavailable
from gateway.store.engine import schema_guard
from gateway.store.engine.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

NEWEST: Final = "0015"
"""The newest revision in `migrations/versions`. Named here so that a store which has it costs no Alembic (some 10 MiB)."""

SCRIPTS = "gateway.store:migrations"
"""Inside the package, so that an installed wheel has them."""


def migrate(database: Database) -> None:
    """Bring the store to the newest schema, in one transaction. Nothing happens when it is there already. Afterwards this
    Database writes only while the store has this schema.

    Raises StoreUnavailable when it cannot, or when a newer program has migrated it.
    """
    current = database.read_blocking(_current)
    if current != NEWEST:
        _refuse_newer(current, database.name)
        database.write_blocking(lambda connection: _upgrade(connection, database.name))
    database.require_schema(NEWEST)


def check_schema(database: Database) -> None:
    """Raise StoreUnavailable, naming the cure, unless the store has exactly this program's schema. Afterwards this Database
    writes only while it has."""
    database.read_blocking(partial(check_connected, name=database.name))
    database.require_schema(NEWEST)


def check_connected(connection: Connection, name: str) -> None:
    """Do as `check_schema` does, in a transaction that is open; `name`: the store's in messages."""
    current = _current(connection)
    if current == NEWEST:
        return
    _refuse_newer(current, name)
    found = "is empty" if current is None else f"has the schema of an older version ({current})"
    raise StoreUnavailable(f"the store {name} {found}: run `gateway migrate`")


def _upgrade(connection: Connection, name: str) -> None:
    from alembic import command

    schema_guard.hold_for_migration(connection)
    current = _current(connection)
    _refuse_newer(current, name)
    if current == NEWEST:  # another node has migrated it meanwhile
        return
    command.upgrade(_config(connection=connection), "head")


def _refuse_newer(current: str | None, name: str) -> None:
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in known:
        raise StoreUnavailable(
            f"the store {name} has a schema ({current}) that this version does not know: "
            "it was migrated by a newer one; install that version, or restore a backup"
        )


def _current(connection: Connection) -> str | None:
    """Return the revision in Alembic's table, or None when there is no such table."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def _config(**attributes: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.attributes.update(attributes)
    return config
