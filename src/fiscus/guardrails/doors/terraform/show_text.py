"""The report as text of at most 80 columns, for a terminal and a build log."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from fiscus.guardrails.doors.terraform.report import GateReport, ResourceShown, TotalShown, money, shown
from fiscus.guardrails.doors.terraform.words import MARK, VERDICT, asked_said, counts_said, part_said
from fiscus.kernel.money import display

WIDTH: Final = 80
_MONEY: Final = 13  # a column of money
RESOURCES_SHOWN_MAX: Final = 200


def gate_text(report: GateReport) -> str:
    """Verdict first, then why, the money, the prices, and what could not be priced."""
    lines = [
        *_wrapped(f"{VERDICT[report.verdict].upper()}: {report.file or 'the plan'} ({counts_said(report)})"),
        *_wrapped(asked_said(report)),
        "",
        *(line for reason in report.reasons for line in _wrapped(reason, "- ")),
        *_wrapped(report.next_step, "> "),
        "",
        *_money_lines(report),
        *_headroom_lines(report),
        *_unpriced_lines(report),
        *_wrapped(f"{report.note} {report.hours_per_month:f} hours a month. {report.watermark}. {report.id}."),
    ]
    return "\n".join(lines) + "\n"


def _money_lines(report: GateReport) -> Iterator[str]:
    rows = [one for one in report.resources if one.currency or one.verdict != "allow"][:RESOURCES_SHOWN_MAX]
    if not rows:
        return
    yield _row("a month", "before", "after", "change")
    for one in rows:
        yield from _resource_lines(one)
    rest = len(report.resources) - len(rows)
    if rest:
        yield f"  {rest} more without a price of their own"
    for total in report.totals:
        yield _row(f"= {total.provider}, {total.currency}", *_amounts(total))
        if total.delta_least != total.delta:
            yield from _wrapped(
                f"at the least it scales down to: {money(total.delta_least, total.currency, sign=True)}", "    "
            )
    yield ""


def _resource_lines(one: ResourceShown) -> Iterator[str]:
    name = f"{MARK[one.action]} {one.address}"
    wide = WIDTH - 3 * _MONEY
    if len(name) >= wide:
        yield from _wrapped(name, "", "    ")
        name = ""
    yield _row(name, *_amounts(one))
    for part in one.parts:
        yield from _wrapped(f"{part.name}: {part_said(part)}", "    ", "      ")


def _amounts(one: ResourceShown | TotalShown) -> tuple[str, str, str]:
    return shown(one.before), shown(one.after), _signed(one.delta)


def _signed(amount: Decimal) -> str:
    return money(amount, "", sign=True)


def _row(name: str, before: str, after: str, change: str) -> str:
    wide = WIDTH - 3 * _MONEY
    return f"{name[:wide]:<{wide}}{before:>{_MONEY}}{after:>{_MONEY}}{change:>{_MONEY}}"


def _headroom_lines(report: GateReport) -> Iterator[str]:
    if not report.headroom:
        return
    yield _row("budget", "left now", "left after", "")
    for row in report.headroom:
        cap = f", cap {row.cap}" if row.cap else ""
        name = f"{row.budget_id} {row.period_label} ({row.currency}{cap})"
        yield _row(name, display(row.headroom), display(row.after), "")
    yield ""


def _unpriced_lines(report: GateReport) -> Iterator[str]:
    if not report.unpriced:
        return
    yield "not in the sums:"
    for gap in report.unpriced[:RESOURCES_SHOWN_MAX]:
        yield from _wrapped(f"{gap.address}: {gap.what}: {gap.detail}", "  ? ", "    ")
    yield ""


def _wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=" " * len(first) if rest is None else rest,
        break_on_hyphens=False,
    )  # fmt: skip
