"""A policy on charges over past months: what it would have matched, as its findings would have gathered it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.guardrails.backtests.add_up import Counted, Trial
from fiscus.guardrails.backtests.types import Hit, Window
from fiscus.guardrails.policies.observed_sql import matched_sql
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.kernel.ids import content_id
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.rows import Query, Rows
from fiscus.kernel.sql_text import sql_text

# Subject of a line -> its column; a NULL is the empty text there.
SUBJECT: Final = {
    "owner": "x_Owner", "team": "x_Team", "environment": "x_Environment", "currency": "BillingCurrency",
    "provider": "ServiceProviderName", "sub_account": "SubAccountId",
}  # fmt: skip
MONTH_DAYS_LEAST: Final = 28  # no month has fewer, so that `days_min` can be met in each


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of backtest_charges.sql."""

    month: date | None
    owner: str
    team: str
    environment: str
    currency: str
    provider: str
    sub_account: str
    account_name: str
    amount: Decimal
    charges: int
    first_day: date
    last_day: date
    resources: int
    asked: int
    errors: int


def charges_query(compiled: CompiledPolicy, window: Window) -> Query:
    """The policy's condition over the whole window."""
    text = sql_text("fiscus.guardrails", "backtest_charges").replace("{{condition}}", _condition(compiled, window))
    return Query(text, _params(window) | {"days_min": min(compiled.policy.days_min, MONTH_DAYS_LEAST)})


def charge_trial(compiled: CompiledPolicy, rows: Rows, window: Window) -> Trial:
    """What `charges_query` answered. A hit is a month of what one person can answer for."""
    read = [_Row(*row) for row in cast("Sequence[tuple[Any, ...]]", rows.rows)]
    groups = [row for row in read if row.month is not None]
    enough = [row for row in groups if row.amount >= compiled.policy.min_amount]
    hits = [_hit(compiled, row, window) for row in enough]
    note = "Each month by itself: a finding that runs on over months is one finding, and is counted once a month here."
    asked, errors = (read[0].asked, read[0].errors) if read else (0, 0)
    counted = Counted(asked, errors, below=len(groups) - len(enough), opened=len(enough), note=note)
    return Trial("charges", "charge", hits, counted)


def _hit(compiled: CompiledPolicy, row: _Row, window: Window) -> Hit:
    subject = {name: getattr(row, name) for name in SUBJECT}
    place = row.account_name or row.sub_account
    where = f"{row.provider or 'an unnamed provider'}{f' ({place})' if place and place != row.provider else ''}"
    things = f", {row.resources:,} resources" if row.resources > 1 else ""
    assert row.month is not None
    month = Month.of(row.month)
    bounds = Window(max(month.start, window.start), min(month.end, window.end), 1)
    return Hit(
        key=content_id("hit", compiled.policy.id, subject, str(month)),
        title=f"{month}: {row.charges:,} charges{things} on {where}",
        day=row.first_day,
        owner=row.owner, team=row.team, environment=row.environment,
        amount=row.amount, currency=row.currency, count=row.charges,
        query=rows_query(_condition(compiled, window), bounds, subject),
    )  # fmt: skip


def _condition(compiled: CompiledPolicy, window: Window) -> str:
    """With the exceptions that are in force at the end of the window."""
    return matched_sql(compiled, "charge", window.end)


def rows_query(condition: str, window: Window, subject: dict[str, object]) -> Query:
    """The charges of `window` that meet `condition` and are of `subject` (names of SUBJECT)."""
    only = " ".join(f"AND coalesce({SUBJECT[name]}, '') = ${name}" for name in subject)
    text = sql_text("fiscus.guardrails", "backtest_rows").replace("{{only}}", only).replace("{{condition}}", condition)
    return Query(text, _params(window) | subject)


def _params(window: Window) -> dict[str, object]:
    month = Month.of(window.start).shift(-1)  # a charge may be billed before its period begins
    return {"since": midnight(window.start), "until": midnight(window.end), "billing_month": str(month)}
