"""The first schema: cases, outbox, findings, budgets, decisions, actions, deliveries, anomalies, facts, evidence."""

import sqlalchemy as sa
from alembic import op

from fiscus.kernel.evidence import GENESIS
from fiscus.stores.state.schema import Exact, Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table and the head of an empty evidence chain."""
    _create_case_tables()
    _create_guardrail_tables()
    _create_action_tables()
    _create_cost_tables()
    _create_evidence_tables()


def _create_case_tables() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("subject_key", sa.Text, nullable=False, unique=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("level", sa.String(20), nullable=False),
        sa.Column("assignee", sa.Text, nullable=False),
        sa.Column("severity", sa.String(20), nullable=False),
        sa.Column("amount", Exact, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("opened_at", Instant, nullable=False),
        sa.Column("next_escalation_at", Instant),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("cases_by_state", "cases", ["state", "next_escalation_at"])
    op.create_table(
        "outbox",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("receipt", sa.Text),
        sa.Column("last_error", sa.Text),
        sa.Column("queued_at", Instant, nullable=False),
        sa.Column("sent_at", Instant),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("outbox_by_state", "outbox", ["state", "seq"])


def _create_guardrail_tables() -> None:
    op.create_table(
        "findings",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("policy_id", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("level", sa.String(20), nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("amount", Exact, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("first_seen", sa.Date, nullable=False),
        sa.Column("last_seen", sa.Date, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("findings_by_state", "findings", ["state", "kind"])
    op.create_table(
        "budget_statuses",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String(80), nullable=False),
        sa.Column("budget_id", sa.Text, nullable=False),
        sa.Column("period_label", sa.String(40), nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("amount", Exact, nullable=False),
        sa.Column("actual", Exact, nullable=False),
        sa.Column("forecast_p50", Exact, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.UniqueConstraint("run_id", "budget_id", "period_label", name="budget_statuses_once_a_run"),
    )
    op.create_table(
        "decisions",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(80), nullable=False, unique=True),
        sa.Column("at", Instant, nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("intent_kind", sa.String(40), nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("amount", Exact, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )


def _create_action_tables() -> None:
    op.create_table(
        "actions",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(80), nullable=False, unique=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("finding_id", sa.Text),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("approved_by", sa.Text),
        sa.Column("saving_per_month", Exact, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("actions_by_state", "actions", ["state"])
    op.create_table(
        "action_journal",
        sa.Column("action_id", sa.String(80), sa.ForeignKey("actions.id"), primary_key=True),
        sa.Column("step", sa.Integer, primary_key=True),
        sa.Column("at", Instant, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )


def _create_cost_tables() -> None:
    op.create_table(
        "deliveries",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(80), nullable=False, unique=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.Boolean, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_table(
        "anomalies",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("start_day", sa.Date, nullable=False),
        sa.Column("end_day", sa.Date, nullable=False),
        sa.Column("impact", Exact, nullable=False),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("first_run", sa.String(80), nullable=False),
        sa.Column("last_run", sa.String(80), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("anomalies_by_end", "anomalies", ["end_day"])
    op.create_table(
        "facts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("at", Instant, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )


def _create_evidence_tables() -> None:
    op.create_table(
        "evidence",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("proof", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_index("evidence_by_kind", "evidence", ["kind", "seq"])
    op.create_table(
        "evidence_head",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.execute(
        sa.text("INSERT INTO evidence_head (one, seq, digest) VALUES (1, 0, :genesis)").bindparams(genesis=GENESIS)
    )
