"""Decisions are kept by the spend ledger, in one transaction with the money that they hold."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the table. Every decision that was given before stands whole in the chain of evidence, as decision.given."""
    op.drop_table("decisions")
