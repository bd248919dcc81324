"""The tables of the state store. Columns are what is looked up or counted; `document` is the whole record, exact.

Documents and evidence bodies are JSON in text columns on both databases: the bytes stored are the bytes that were hashed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

HEAD_REVISION = "0004"
VERSION_TABLE = "state_version"


class Instant(TypeDecorator[datetime]):
    """A UTC instant to the microsecond: TIMESTAMPTZ, or fixed-width sortable text in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(32) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        assert value.tzinfo is not None, "an instant needs a time zone"
        utc = value.astimezone(UTC)
        return utc.isoformat(timespec="microseconds") if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return (datetime.fromisoformat(value) if dialect.name == "sqlite" else value).astimezone(UTC)


class Exact(TypeDecorator[Decimal]):
    """An exact decimal: NUMERIC, or its text in SQLite (whose own numbers are binary floats)."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(64) if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        return format(value, "f") if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        del dialect
        return Decimal(value) if value is not None else None


metadata = MetaData()

cases = Table(
    "cases",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("subject_key", Text, nullable=False, unique=True),
    Column("state", String(20), nullable=False),
    Column("level", String(20), nullable=False),
    Column("assignee", Text, nullable=False),
    Column("severity", String(20), nullable=False),
    Column("amount", Exact, nullable=False),
    Column("currency", String(8), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("next_escalation_at", Instant),
    Column("document", Text, nullable=False),
    Index("cases_by_state", "state", "next_escalation_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),
    Column("channel", String(20), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("receipt", Text),
    Column("last_error", Text),
    Column("queued_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("document", Text, nullable=False),
    Index("outbox_by_state", "state", "seq"),
)

findings = Table(
    "findings",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("policy_id", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("level", String(20), nullable=False),
    Column("owner", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("amount", Exact, nullable=False),
    Column("currency", String(8), nullable=False),
    Column("first_seen", Date, nullable=False),
    Column("last_seen", Date, nullable=False),
    Column("document", Text, nullable=False),
    Index("findings_by_state", "state", "kind"),
)

budget_statuses = Table(
    "budget_statuses",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(80), nullable=False),
    Column("budget_id", Text, nullable=False),
    Column("period_label", String(40), nullable=False),
    Column("as_of", Date, nullable=False),
    Column("state", String(20), nullable=False),
    Column("amount", Exact, nullable=False),
    Column("actual", Exact, nullable=False),
    Column("forecast_p50", Exact, nullable=False),
    Column("currency", String(8), nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("run_id", "budget_id", "period_label", name="budget_statuses_once_a_run"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String(80), nullable=False, unique=True),
    Column("state", String(20), nullable=False),
    Column("intent_digest", String(64), nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("amount", Exact, nullable=False),
    Column("currency", String(8), nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
    Index("approvals_by_state", "state", "expires_at"),
    Index("approvals_by_intent", "intent_digest"),
)

purchases = Table(
    "purchases",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String(80), nullable=False, unique=True),
    Column("state", String(20), nullable=False),
    Column("approval_id", String(80), nullable=False),
    Column("vendor", Text, nullable=False),
    Column("contract_value", Exact, nullable=False),
    Column("currency", String(8), nullable=False),
    Column("renews_on", Date),
    Column("document", Text, nullable=False),
    Index("purchases_by_state", "state", "renews_on"),
    Index("purchases_by_approval", "approval_id"),
)

actions = Table(
    "actions",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String(80), nullable=False, unique=True),
    Column("state", String(20), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("finding_id", Text),
    Column("requested_by", Text, nullable=False),
    Column("approved_by", Text),
    Column("saving_per_month", Exact, nullable=False),
    Column("currency", String(8), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("document", Text, nullable=False),
    Index("actions_by_state", "state"),
)

action_journal = Table(
    "action_journal",
    metadata,
    Column("action_id", String(80), ForeignKey("actions.id"), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("state", String(20), nullable=False),
    Column("actor", Text, nullable=False),
    Column("document", Text, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String(80), nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("changed", Boolean, nullable=False),
    Column("document", Text, nullable=False),
)

anomalies = Table(
    "anomalies",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("team", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("start_day", Date, nullable=False),
    Column("end_day", Date, nullable=False),
    Column("impact", Exact, nullable=False),
    Column("currency", String(8), nullable=False),
    Column("first_run", String(80), nullable=False),
    Column("last_run", String(80), nullable=False),
    Column("document", Text, nullable=False),
    Index("anomalies_by_end", "end_day"),
)

facts = Table(
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("document", Text, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),  # text, not a timestamp: the exact characters are part of what is hashed
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("proof", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Index("evidence_by_kind", "kind", "seq"),
)

evidence_head = Table(
    "evidence_head",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)
