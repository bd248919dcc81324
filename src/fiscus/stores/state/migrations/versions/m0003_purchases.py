"""The register of purchases."""

import sqlalchemy as sa
from alembic import op

from fiscus.stores.state.schema import Exact

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; nothing that stands is touched."""
    op.create_table(
        "purchases",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(80), nullable=False, unique=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("approval_id", sa.String(80), nullable=False),
        sa.Column("vendor", sa.Text, nullable=False),
        sa.Column("contract_value", Exact, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("renews_on", sa.Date),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("purchases_by_state", "purchases", ["state", "renews_on"])
    op.create_index("purchases_by_approval", "purchases", ["approval_id"])
