"""Approvals of intents: what was asked, what it binds, who said what."""

import sqlalchemy as sa
from alembic import op

from fiscus.stores.state.schema import Exact, Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; nothing that stands is touched."""
    op.create_table(
        "approvals",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(80), nullable=False, unique=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("intent_digest", sa.String(64), nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("amount", Exact, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("requested_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("approvals_by_state", "approvals", ["state", "expires_at"])
    op.create_index("approvals_by_intent", "approvals", ["intent_digest"])
