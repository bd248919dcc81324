"""Anomalies as policies see them: their facts, and the charges behind each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from fiscus.guardrails.findings.find_subjects import Subject
from fiscus.guardrails.policies.given_facts import observed_nanos, observed_texts
from fiscus.kernel.limits import CASE_RUNNING_DAYS
from fiscus.kernel.money import EXACT, ZERO, display
from fiscus.kernel.periods import midnight
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text
from fiscus.signals.types import Anomaly

MONEY = ("actual", "expected", "low", "high", "impact")
TEXTS = ("id", "owner", "team", "service", "provider", "environment", "currency")
Moment = Callable[[str], Mapping[str, object]]


def anomaly_subject(anomaly: Anomaly, as_of: date, moment: Moment) -> Subject:
    """One anomaly. `moment`: an environment's facts `now.*`."""
    last = anomaly.end - timedelta(days=1)
    params = {name: getattr(anomaly, name) for name in TEXTS if name != "id"}
    params |= {"start": midnight(anomaly.start), "end": midnight(anomaly.end)}
    over = f"{display(anomaly.impact)} {anomaly.currency} more than expected"
    days = f"on {last}" if last == anomaly.start else f"from {anomaly.start} to {last}"
    return Subject(
        key=anomaly.id,
        facts=anomaly_facts(anomaly, as_of) | dict(moment(anomaly.environment)),
        what=f"{anomaly.service} ({anomaly.provider}) cost {over} {days}",
        detail=f"{display(anomaly.actual)} {anomaly.currency} where {display(anomaly.expected)} were expected.",
        amount=anomaly.impact,
        currency=anomaly.currency,
        first_day=anomaly.start,
        last_day=last,
        period_label=str(anomaly.start),
        query=Query(sql_text("fiscus.guardrails", "anomaly_charges"), params),
        owner=anomaly.owner,
        team=anomaly.team,
        environment=anomaly.environment,
    )


def anomaly_facts(anomaly: Anomaly, as_of: date) -> dict[str, object]:
    """The facts `anomaly.*`. `ratio` is not given where nothing was expected; `explained_by` names the largest of each kind."""
    days_ago = (as_of - anomaly.end).days
    facts = observed_texts("anomaly", {name: getattr(anomaly, name) for name in TEXTS})
    facts |= observed_nanos("anomaly", {name: getattr(anomaly, name) for name in (*MONEY, "score")})
    facts |= {
        "anomaly.start": anomaly.start.isoformat(),
        "anomaly.end": (anomaly.end - timedelta(days=1)).isoformat(),
        "anomaly.days": (anomaly.end - anomaly.start).days,
        "anomaly.days_ago": days_ago,
        "anomaly.running": days_ago <= CASE_RUNNING_DAYS,
    }
    if anomaly.expected > ZERO:
        ratio = EXACT.divide(anomaly.actual, anomaly.expected)
        facts |= observed_nanos("anomaly", {"ratio": ratio})
    largest: dict[str, tuple[Decimal, str]] = {}
    for part in anomaly.contributions:
        largest[part.dimension] = max(largest.get(part.dimension, (part.excess, part.value)), (part.excess, part.value))
    facts["anomaly.explained_by"] = {dimension: value for dimension, (_, value) in largest.items()}
    return facts
