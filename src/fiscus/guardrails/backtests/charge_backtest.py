"""Policies on charges over past months: what each would have matched, as its findings would have gathered it."""

from __future__ import annotations

import re
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
    """One row of backtest_charges.sql; `place` is of its policy, -1 where it counts the charges that were asked about."""

    place: int
    is_error: bool
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


def charges_query(policies: Sequence[CompiledPolicy], window: Window) -> Query:
    """The condition of each policy over the whole window, all of them by one reading of the charges."""
    columns = [f"m{place}" for place in range(len(policies))]
    conditions = (_condition(compiled, window) for compiled in policies)
    parts = {
        "matched": ", ".join(f"{sql} AS {name}" for sql, name in zip(conditions, columns, strict=True)),
        "any": " OR ".join(f"{name} IS DISTINCT FROM false" for name in columns),
        "places": ", ".join(f"({place})" for place in range(len(policies))),
        "mine": " ".join(f"WHEN {place} THEN {name}" for place, name in enumerate(columns)),
    }
    # What people wrote is put in last and not looked at again.
    sql = re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], sql_text("fiscus.guardrails", "backtest_charges"))
    days = [min(compiled.policy.days_min, MONTH_DAYS_LEAST) for compiled in policies]
    return Query(sql, _params(window) | {"days_min": days})


def charge_trials(policies: Sequence[CompiledPolicy], rows: Rows, window: Window) -> list[Trial]:
    """What `charges_query` answered, a trial a policy. A hit is a month of what one person can answer for."""
    read = [_Row(*row) for row in cast("Sequence[tuple[Any, ...]]", rows.rows)]
    asked = sum(row.charges for row in read if row.place < 0)
    mine: list[list[_Row]] = [[] for _ in policies]
    for row in read:
        if row.place >= 0:
            mine[row.place].append(row)
    return [_trial(compiled, found, asked, window) for compiled, found in zip(policies, mine, strict=True)]


def _trial(compiled: CompiledPolicy, rows: Sequence[_Row], asked: int, window: Window) -> Trial:
    groups = [row for row in rows if not row.is_error]
    enough = [row for row in groups if row.amount >= compiled.policy.min_amount]
    hits = [_hit(compiled, row, window) for row in enough]
    note = "Each month by itself: a finding that runs on over months is one finding, and is counted once a month here."
    errors = sum(row.charges for row in rows if row.is_error)
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
