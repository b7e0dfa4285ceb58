"""Alembic's entry: runs on the connection, and in the transaction, that `gateway.ledger.opening` hands over."""

from alembic import context

from gateway.ledger.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
