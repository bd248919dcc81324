"""Looking for anomalies: each owner's use of each service, day by day, against its own past; kept with what explains them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, cast

from fiscus.flows.show_completeness import partial_params
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.money import ZERO
from fiscus.kernel.periods import midnight
from fiscus.kernel.sql_text import sql_text
from fiscus.signals.anomaly import find_anomalies as find_in_series
from fiscus.signals.types import Anomaly, Contribution, DailySeries, LabelledSeries

CURRENT_FACT: Final = "anomalies.current"  # ids that the newest look found; the table keeps those of earlier bills too
LABELS: Final = ("owner", "team", "service", "provider", "environment", "currency")
_BASELINE: Final = timedelta(days=28)


def find_anomalies(ws: Workspace) -> Sequence[Anomaly]:
    """All anomalies that the bills of today show, largest impact first; stored, with evidence for each that is new.

    Run twice it stores nothing twice. An anomaly that was known keeps its id though a later bill moved its first day.
    """
    found = find_in_series(_series(ws), ws.as_of)
    explained = _contributions(ws, found)
    with ws.state.begin() as tx:
        named = _known_by_their_ids(explained, tx.anomalies.all())
        version = str(ws.lake.version())
        for anomaly in tx.anomalies.put_all(named, ws.ids.new("look")):
            body = {"title": _sentence(anomaly), "anomaly": anomaly, "lake": version, "as_of": ws.as_of}
            tx.evidence.append("anomaly.found", anomaly.id, FISCUS, body)
        tx.facts.put(CURRENT_FACT, [anomaly.id for anomaly in named])
    return named


def _series(ws: Workspace) -> list[LabelledSeries]:
    """A series for each label, from its provider's first day to the last one that the provider has delivered."""
    params = {"until": midnight(ws.as_of), **partial_params(ws)}
    rows = ws.lake.query(sql_text("fiscus.signals", "daily_usage"), params).rows
    costs: dict[tuple[str, ...], dict[date, Decimal]] = {}
    spans: dict[str, tuple[date, date]] = {}
    for *labels, day, cost in cast("Sequence[tuple[str, str, str, str, str, str, date, Decimal]]", rows):
        key = tuple(str(label) for label in labels)
        costs.setdefault(key, {})[day] = cost
        first, last = spans.get(key[3], (day,) * 2)
        spans[key[3]] = (min(first, day), max(last, day))
    series = []
    for key, by_day in costs.items():
        owner, team, service, provider, environment, currency = key
        first, last = spans[provider]
        days = (last - first).days + 1
        values = tuple(by_day.get(first + timedelta(days=n), ZERO) for n in range(days))
        daily = DailySeries("|".join(key), currency, first, values)
        series.append(LabelledSeries(daily, owner, team, service, provider, environment))
    return series


def _contributions(ws: Workspace, found: Sequence[Anomaly]) -> list[Anomaly]:
    """The same anomalies with what explains most of each: resources, sub-accounts and SKUs, by one query."""
    if not found:
        return []
    params: dict[str, object] = {label: [getattr(anomaly, label) for anomaly in found] for label in (*LABELS, "id")}
    params |= {name: [getattr(anomaly, name).isoformat() for anomaly in found] for name in ("start", "end")}
    params["until"] = midnight(ws.as_of)
    params["since"] = midnight(min(anomaly.start for anomaly in found) - _BASELINE)
    by_id: dict[str, list[Contribution]] = {}
    rows = ws.lake.query(sql_text("fiscus.signals", "anomaly_contributions"), params).rows
    for anomaly_id, dimension, value, excess in cast("Sequence[tuple[str, str, str, Decimal]]", rows):
        by_id.setdefault(anomaly_id, []).append(Contribution(dimension, value, excess))
    return [replace(anomaly, contributions=tuple(by_id.get(anomaly.id, ()))) for anomaly in found]


def _known_by_their_ids(found: Sequence[Anomaly], known: Sequence[Anomaly]) -> list[Anomaly]:
    """An anomaly that overlaps a known one of the same labels is that one: its case must not be opened a second time."""
    free: dict[tuple[str, ...], list[Anomaly]] = {}
    for old in known:
        free.setdefault(_labels(old), []).append(old)
    taken = {anomaly.id for anomaly in found} & {anomaly.id for anomaly in known}
    named = []
    for anomaly in found:
        same = next(
            (old for old in free.get(_labels(anomaly), ()) if old.id not in taken and _overlap(old, anomaly)), None
        )
        if anomaly.id not in taken and same is not None:
            taken.add(same.id)
            named.append(replace(anomaly, id=same.id))
        else:
            named.append(anomaly)
    return named


def _labels(anomaly: Anomaly) -> tuple[str, ...]:
    return tuple(getattr(anomaly, label) for label in LABELS)


def _overlap(one: Anomaly, other: Anomaly) -> bool:
    return one.start < other.end and other.start < one.end


def _sentence(anomaly: Anomaly) -> str:
    last = anomaly.end - timedelta(days=1)
    when = f"on {anomaly.start}" if last == anomaly.start else f"from {anomaly.start} to {last}"
    return (
        f"{anomaly.service} ({anomaly.provider}) of {anomaly.owner} cost {anomaly.actual:,.2f} {anomaly.currency} {when}, "
        f"{anomaly.impact:,.2f} more than expected"
    )
