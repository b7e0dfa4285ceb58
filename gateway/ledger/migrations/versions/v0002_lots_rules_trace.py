"""Life of lots, firings of rules, and what tracing needs.

Revision ID: 0002
Revises: 0001
"""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each part below brings its own tables, columns and indexes."""
