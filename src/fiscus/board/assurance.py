"""Do the controls work: money at risk by its cause, and each control with what it did and when it was tested."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, cast

from fiscus.board.figures import near, plural, room_query
from fiscus.board.frame import Frame
from fiscus.board.types import ESTIMATE, Exhibit, Kpi
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.guardrails.types import Finding
from fiscus.kernel.charts import ChartSeries, ChartSpec
from fiscus.kernel.money import ZERO, total
from fiscus.signals.types import Anomaly

FACTS: Final = "policy."
OVERLAPPING: Final = frozenset(
    {"budget_breach", "budget_forecast"}
)  # budgets contain each other: the largest stands for all


def causes_exhibit(findings: Sequence[Finding], anomalies: Sequence[Anomaly], frame: Frame) -> tuple[Exhibit, Kpi]:
    """Money at risk by cause, in the company's currency. Causes overlap (a runaway agent breaks a budget too): no sum."""
    by_kind: dict[str, list[Decimal]] = defaultdict(list)
    for finding in findings:
        if finding.currency == frame.currency and finding.state == "open":
            by_kind[finding.kind].append(finding.amount)
    excess = [a.impact for a in anomalies if a.currency == frame.currency]
    if excess:
        by_kind["anomaly"] = excess
    lines = []
    for kind, amounts in by_kind.items():
        largest = kind in OVERLAPPING
        at_risk = max(amounts) if largest else total(amounts)
        lines.append((kind.replace("_", " "), len(amounts), at_risk, max(amounts), "largest" if largest else "sum"))
    lines.sort(key=lambda line: (-line[2], line[0]))
    title = "Nothing is at risk: no finding is open and no anomaly stands out"
    say = "No finding is open."
    if lines:
        title = f"{lines[0][0].capitalize()} puts most money at risk: {near(lines[0][2], frame.currency)}"
        causes = plural(
            sum(line[2] > ZERO for line in lines), "cause"
        )  # one that concerns no money is listed and not counted
        say = f"{lines[0][0]}, the largest of {causes}; causes overlap and are not added."
    columns = (
        ("cause", "text"), ("open", "count"), ("at risk", ESTIMATE + frame.currency), ("largest one", ESTIMATE + frame.currency),
        ("at risk is the", "text"),
    )  # fmt: skip
    chart = ChartSpec(
        "money-at-risk", "contribution", title, frame.currency, tuple(line[0] for line in lines),
        (ChartSeries("at risk", tuple(line[2] for line in lines), "other"),),
    )  # fmt: skip
    query = room_query("state_findings", {})
    note = "A finding's amount is the money that it concerns; budgets contain each other, so that the largest stands for all."
    exhibit = Exhibit(
        "money-at-risk", "guardrails", title, columns, tuple(lines), query, note, chart if lines else None, "state"
    )
    value = lines[0][2] if lines else ZERO
    return exhibit, Kpi(
        "money-at-risk", "Largest cause at risk", value, frame.currency, "estimate", say, query, basis="state"
    )


def controls_exhibit(facts: Mapping[str, object], policies: PolicySet) -> tuple[Exhibit, Kpi]:
    """Each control as the newest run left it: ran, fired, overridden, failed, last tested. What was not noted stays open."""
    noted = {name.removeprefix(FACTS): _said(value) for name, value in facts.items()}
    lines = [_noted(name, said) for name, said in sorted(noted.items()) if not said.get("retired")]
    lines += [
        (p.policy.id, p.policy.title, p.policy.level, "not yet", None, None, None, None, "never ran")
        for p in policies
        if p.policy.id not in noted
    ]
    order = {"failed": 0, "never ran": 1, "no test": 2, "works": 3}
    lines.sort(key=lambda line: (order[str(line[8])], str(line[0])))
    failed = [line for line in lines if line[8] == "failed"]
    untested = [line for line in lines if line[7] is None]
    title = "No control is configured: nothing stops or reports spend by rule"
    if lines:
        title = f"All {plural(len(lines), 'control')} ran and passed their tests"
        if untested:
            title = f"{len(untested)} of {plural(len(lines), 'control')} never tested: nobody knows whether they work"
        if failed:
            title = f"{len(failed)} of {plural(len(lines), 'control')} failed; mend {failed[0][1]!r} first"
    columns = (
        ("control", "text"), ("title", "text"), ("level", "text"), ("ran", "text"), ("fired", "count"), ("overridden", "count"),
        ("failed on", "count"), ("last tested", "date"), ("verdict", "text"),
    )  # fmt: skip
    note = "Fired: open findings of it. Overridden: cases closed though the match stands. Failed on: rows without an answer."
    query = room_query("state_controls", {})
    exhibit = Exhibit("controls", "guardrails", title, columns, tuple(lines), query, note, basis="state")
    overridden = sum(line[5] for line in lines if isinstance(line[5], int))
    say = f"Of {len(lines)}; {overridden} overridden, {len(untested)} never tested."
    kpi = Kpi("controls-failed", "Controls failed", Decimal(len(failed)), "count", "count", say, query, basis="state")
    return exhibit, kpi


def _said(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _noted(name: str, said: Mapping[str, object]) -> tuple[object, ...]:
    """One fact as a line. Failed: it did not run, a test of it did not pass, or it had no answer for some rows."""
    ran, tested, errors = said.get("ran") is True, _day(said.get("last_tested")), _count(said, "errors")
    verdict = "no test" if tested is None else "works"
    if not ran or said.get("passed") is False or errors:
        verdict = "failed"
    return (
        name, str(said.get("title") or name), str(said.get("level") or "–"), "yes" if ran else "no", _count(said, "fired"),
        _count(said, "overridden"), errors, tested, verdict,
    )  # fmt: skip


def _count(said: Mapping[str, object], key: str) -> int | None:
    value = said.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def failing(exhibit: Exhibit) -> list[str]:
    """The titles of the controls that failed their last test."""
    return [str(row[1]) for row in exhibit.rows if row[6]]
