"""Alembic's entry: runs the steps on the connection, and in the transaction, that gateway/store/engine/migrate.py hands
over."""

from alembic import context

from gateway.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
