"""Alembic's scripts: how the ledger's schema came to be, one revision at a time."""
