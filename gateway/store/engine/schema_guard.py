"""The guard of the schema among several nodes: one migrates at a time, while none writes, and a node that finds another schema
than its own writes nothing more, however long it has been running."""

from typing import Final

from sqlalchemy import Connection, text

from gateway.model.errors import StoreUnavailable

KEY: Final = 7_305_808_869_229_538_663
"""The number of the advisory lock (PostgreSQL): for oneself in a migration, shared in every other transaction that writes."""

_REVISION = "SELECT version_num FROM alembic_version"
_SHARED = f"SELECT pg_advisory_xact_lock_shared({KEY}); {_REVISION}"
"""Two statements in one round trip. The second is on its own state of the database, that of after the wait."""


def hold_for_migration(connection: Connection) -> None:
    """Wait until no other node migrates or writes, and let none until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": KEY})


def check(connection: Connection, revision: str, name: str) -> None:
    """Raise StoreUnavailable when the store (`name` in messages) has another schema than `revision`; else it has this one until
    the transaction ends."""
    found = _revision(connection)
    if found != revision:
        raise StoreUnavailable(
            f"the store {name} has a schema ({found}) that is not this program's ({revision}): another version has migrated "
            "it, and this one writes nothing more: restart it as the version that is installed"
        )


def _revision(connection: Connection) -> str | None:
    if connection.dialect.name != "postgresql":  # the transaction holds the file's lock already
        return str(connection.exec_driver_sql(_REVISION).scalar())
    both = connection.exec_driver_sql(_SHARED, execution_options={"no_parameters": True})
    cursor = both.cursor
    cursor.nextset()
    row = cursor.fetchone()
    both.close()
    return None if row is None else str(row[0])
