"""Alembic's entry: migrations run on the connection and inside the transaction that `migrate` holds."""

from alembic import context

from fiscus.stores.state.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
with context.begin_transaction():
    context.run_migrations()
