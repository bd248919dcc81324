"""A conformance report for machines and for people without a terminal: SARIF 2.1.0, and one HTML page that needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from fiscus.cost.conformance.types import Report, Verdict

LEVEL: Final = {"error": "error", "warning": "warning", "note": "note"}
ROW: Final = re.compile(r"(?:(.+?) )?row ([\d,]+)(?=:|$)")
STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1b1f24;background:#fff}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;"
    "border-bottom:1px solid #d8dee4}td.n{text-align:right;font-variant-numeric:tabular-nums}.error{color:#a40e26}"
    ".warning{color:#7d4e00}details{margin:1rem 0}@media(prefers-color-scheme:dark){body{background:#12161b;color:#e6e9ed}"
    "th,td{border-color:#30363d}.error{color:#ff8f9c}.warning{color:#e3b341}}"
)


def sarif(report: Report, failures: Sequence[Verdict], version: str) -> dict[str, Any]:
    """The failures as a SARIF log; each first row is a location (line = row + 1, after the header)."""
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "fiscus check", "version": version, "rules": [_rule(v) for v in failures]}},
                "results": [_result(report, n, v) for n, v in enumerate(failures)],
                "properties": {"focus": report.version, "dataset": report.dataset, "rows": report.rows},
            }
        ],
    }


def _rule(verdict: Verdict) -> dict[str, Any]:
    return {
        "id": verdict.rule,
        "shortDescription": {"text": verdict.title},
        "help": {"text": verdict.remedy or verdict.title},
        "defaultConfiguration": {"level": LEVEL[verdict.severity]},
    }


def _result(report: Report, index: int, verdict: Verdict) -> dict[str, Any]:
    return {
        "ruleId": verdict.rule,
        "ruleIndex": index,
        "level": LEVEL[verdict.severity],
        "message": {"text": _message(verdict)},
        "locations": [_location(report, place) for place in verdict.rows] or [_location(report, "")],
        "properties": {
            "brokenRows": verdict.broken,
            "judgedRows": verdict.judged,
            "money": {currency: str(amount) for currency, amount in verdict.money.items()},
        },
    }


def _message(verdict: Verdict) -> str:
    counted = f"{verdict.broken:,} of {verdict.judged:,} rows: {verdict.title}"
    return f"{counted}. {verdict.reason}" if verdict.reason else counted


def _location(report: Report, place: str) -> dict[str, Any]:
    found = ROW.match(place)
    named = [file for file in report.files if found is not None and found[1] in {Path(file).name, file}]
    file = named[0] if named else report.files[0]
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(Path(file).as_posix())}}
    if found is not None and (named or not found[1]) and ".csv" in file:
        physical["region"] = {"startLine": int(found[2].replace(",", "")) + 1}
    return {"physicalLocation": physical}


def html(report: Report, failures: Sequence[Verdict]) -> str:
    """One page: what is broken, then every rule with its verdict."""
    counts = ", ".join(
        f"{report.count(o)} {o.replace('_', ' ')}" for o in ("pass", "fail", "not_applicable", "needs_data")
    )
    head = ("severity", "rule", "asks", "rows", "money", "where", "do")
    broken = [
        (v.severity, v.rule, v.title, f"{v.broken:,}", _money(v), "; ".join(v.rows) or v.reason, v.remedy)
        for v in failures
    ]
    every = [
        (v.outcome.replace("_", " "), v.rule, v.keyword, v.title, v.reason)
        for v in (*report.verdicts, *report.warnings)
    ]
    title = f"FOCUS {report.version} {report.dataset.replace('_', ' ')}: {counts}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{escape(title)}</h1><p>{report.rows:,} rows of {escape(', '.join(report.files))}</p>"
        f"<h2>Broken</h2>{_table(head, broken)}"
        f"<details><summary>Every rule</summary>{_table(('verdict', 'rule', 'level', 'asks', 'why'), every)}</details>"
        "</body></html>"
    )


def _money(verdict: Verdict) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in verdict.money.items())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "<p>Nothing.</p>"
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr class="{escape(row[0])}">' + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
