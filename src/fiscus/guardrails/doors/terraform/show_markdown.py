"""The report as a comment on a pull request: Markdown that GitHub and GitLab show alike. What a plan says is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from fiscus.guardrails.doors.terraform.report import GateReport, ResourceShown, money, shown, upper
from fiscus.guardrails.doors.terraform.words import MARK, VERDICT, asked_said, counts_said, part_said
from fiscus.kernel.money import EXACT, ZERO, display

MARKER: Final = "<!-- fiscus gate terraform -->"  # by which a bot finds its own comment and replaces it
RESOURCES_SHOWN_MAX: Final = 50  # a comment holds 65,536 characters
CHARS_MAX: Final = 60_000
ICON: Final = {"allow": "🟢", "warn": "🟡", "degrade": "🟠", "require_approval": "🟠", "deny": "🔴"}


def gate_markdown(report: GateReport) -> str:
    """Verdict and money in the first line; the prices folded away."""
    deltas = ", ".join(f"{money(sum_, code, sign=True)} a month" for code, sum_ in _by_currency(report).items())
    lines = [
        MARKER,
        f"### {ICON[report.verdict]} Fiscus: {VERDICT[report.verdict]}, {deltas or 'no priced change'}",
        "",
        f"{_plain(counts_said(report))} in `{_code(report.file or 'the plan')}` · {_plain(asked_said(report))}",
        "",
        *(f"- {_plain(reason)}" for reason in report.reasons),
        "",
        f"**Next:** {_plain(report.next_step)}",
        "",
        *_resources(report),
        *_headroom(report),
        *_unpriced(report),
        *_prices(report),
        f"<sub>{_plain(report.note)} {_plain(report.watermark)}. {report.id}</sub>",
    ]
    text = "\n".join(lines) + "\n"
    if len(text) <= CHARS_MAX:
        return text
    return text[:CHARS_MAX].rpartition("\n")[0] + "\n\n…the rest is in the job's log and its JSON report.\n"


def _by_currency(report: GateReport) -> dict[str, Decimal]:
    """One sum for each currency, of the vendors' parts as they are shown below."""
    sums: dict[str, Decimal] = {}
    for one in report.totals:
        sums[one.currency] = EXACT.add(sums.get(one.currency, ZERO), upper(one.delta))
    return sums


def _resources(report: GateReport) -> Iterator[str]:
    rows = [one for one in report.resources if one.currency or one.verdict != "allow"]
    if not rows:
        return
    yield "| | resource | before | after | change a month | verdict |"
    yield "|---|---|---:|---:|---:|---|"
    for one in rows[:RESOURCES_SHOWN_MAX]:
        yield (
            f"| {MARK[one.action]} | `{_code(one.address)}` | {shown(one.before)} | {shown(one.after)} "
            f"| {money(one.delta, one.currency, sign=True)} | {VERDICT[one.verdict]} |"
        )
    if len(rows) > RESOURCES_SHOWN_MAX:
        yield f"| | {len(rows) - RESOURCES_SHOWN_MAX} more | | | | |"
    for total in report.totals:
        yield (
            f"| | **{_plain(total.provider)}** | {shown(total.before)} | {shown(total.after)} "
            f"| **{money(total.delta, total.currency, sign=True)}** | {VERDICT[total.verdict]} |"
        )
    yield ""


def _headroom(report: GateReport) -> Iterator[str]:
    if not report.headroom:
        return
    yield "| budget | left now | left after this change |"
    yield "|---|---:|---:|"
    for row in report.headroom:
        cap = f", cap {row.cap}" if row.cap else ""
        name = f"{_plain(row.budget_id)} {row.period_label} ({row.currency}{cap})"
        yield f"| {name} | {display(row.headroom)} | {display(row.after)} |"
    yield ""


def _unpriced(report: GateReport) -> Iterator[str]:
    if not report.unpriced:
        return
    yield f"<details><summary>{len(report.unpriced)} not in the sums</summary>\n"
    for gap in report.unpriced[:RESOURCES_SHOWN_MAX]:
        yield f"- `{_code(gap.address)}`: {_plain(gap.what)}: {_plain(gap.detail)}"
    yield "\n</details>\n"


def _prices(report: GateReport) -> Iterator[str]:
    rows = [one for one in report.resources if one.parts][:RESOURCES_SHOWN_MAX]
    if not rows:
        return
    used = ", ".join(f"{count} {source}" for source, count in report.prices_used.items())
    yield f"<details><summary>prices used: {used}</summary>\n"
    for one in rows:
        yield from _parts(one)
    yield "\n</details>\n"


def _parts(one: ResourceShown) -> Iterator[str]:
    yield f"- `{_code(one.address)}`"
    for part in one.parts:
        yield f"  - {_plain(part.name)}: {_plain(part_said(part, part.why))}"


def _code(text: str) -> str:
    """Text for a code span inside a table: nothing in it can end either."""
    return re.sub(r"[\x00-\x1f\x7f]", " ", text).replace("`", "'").replace("|", "\\|")


def _plain(text: str) -> str:
    """Text that is only text: no markup, no link, no mention of a person."""
    text = re.sub(r"[\x00-\x1f\x7f]", " ", text)
    text = re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", text)
    return text.replace("@", "@\u200b").replace("://", ":\u200b//")
