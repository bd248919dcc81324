"""The words that all outputs of the gate share."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from fiscus.guardrails.doors.terraform.plan import Action
from fiscus.guardrails.doors.terraform.report import GateReport, PartShown
from fiscus.guardrails.types import Verdict

VERDICT: Final[Mapping[Verdict, str]] = {
    "allow": "allowed", "warn": "allowed, with a warning", "degrade": "take a cheaper way",
    "require_approval": "needs approval", "deny": "denied",
}  # fmt: skip
MARK: Final[Mapping[Action, str]] = {
    "create": "+", "delete": "-", "replace": "±", "update": "~", "no-op": "~", "read": " ", "forget": "-",
}  # fmt: skip
COUNTED: Final[Mapping[str, str]] = {
    "create": "to create", "update": "to change", "replace": "to replace", "delete": "to destroy",
}  # fmt: skip
PRICE: Final[Mapping[str, str]] = {
    "contracted": "your contracted price", "effective": "what it cost you", "list": "list price",
}  # fmt: skip


def counts_said(report: GateReport) -> str:
    """`2 to create, 1 to destroy`."""
    said = [f"{report.counts[action]} {words}" for action, words in COUNTED.items() if report.counts.get(action)]
    return ", ".join(said) or "nothing to do"


def plain(number: Decimal) -> str:
    """A count or a unit price without zeros that say nothing."""
    text = f"{round(number, 6):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def part_said(part: PartShown, why: str = "") -> str:
    """`2 x 1.212 USD/hour, your contracted price (sure: high)`; with `why` instead of the short word for it."""
    price = f"{plain(part.unit_price)} {part.currency}/{part.unit}"
    return f"{plain(part.count)} x {price}, {why or PRICE[part.source]} (sure: {part.confidence})"


def asked_said(report: GateReport) -> str:
    """Who asks for whom."""
    return ", ".join(item for item in (report.environment, report.team, f"asked by {report.requested_by}") if item)
