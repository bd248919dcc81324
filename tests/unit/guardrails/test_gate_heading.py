"""The heading of the gate's comment on a pull request: one sum for each currency."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from tests.fixtures.gates import gated_company

from fiscus.flows.gate_terraform import gate_terraform
from fiscus.guardrails.doors.terraform.judge import GateAsked
from fiscus.guardrails.doors.terraform.plan import read_plan
from fiscus.guardrails.doors.terraform.show_markdown import gate_markdown

PLAN = Path(__file__).resolve().parents[3] / "examples" / "terraform" / "modules" / "plan.json"


def test_vendors_are_summed_in_one_currency_and_never_across(tmp_path: Path) -> None:
    report = gate_terraform(gated_company(tmp_path / "home"), read_plan(PLAN.read_text("utf-8")), GateAsked("max"))
    first, second, third = report.totals
    deltas = (Decimal("1.001"), Decimal("2.50"), Decimal("-7.25"))
    totals = tuple(
        replace(one, delta=delta, currency=code)
        for one, delta, code in zip((first, second, third), deltas, ("USD", "EUR", "USD"), strict=True)
    )
    heading = gate_markdown(replace(report, totals=totals)).splitlines()[1]
    assert heading == "### 🟢 Fiscus: allowed, -6.24 USD a month, +2.50 EUR a month"
