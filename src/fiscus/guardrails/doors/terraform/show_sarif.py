"""The report as SARIF 2.1.0, for code scanning: one result for each objection, and for each thing without a price.

docs.oasis-open.org/sarif/sarif/v2.1.0. A plan knows addresses, not lines: a result names the resource as its
logical location, and the plan file as the artifact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from fiscus import __version__
from fiscus.guardrails.doors.terraform.report import GateReport, money
from fiscus.guardrails.types import Verdict

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVEL: Final[Mapping[Verdict, str]] = {
    "allow": "none", "warn": "warning", "degrade": "warning", "require_approval": "error", "deny": "error",
}  # fmt: skip
RULES: Final[Mapping[str, str]] = {
    "budget": "The change does not fit a budget, or a policy objects to its sum",
    "unpriced": "Part of the change has no price",
}


def gate_sarif(report: GateReport) -> dict[str, Any]:
    """One run."""
    results = [*_of_totals(report), *_of_resources(report), *_of_unpriced(report)]
    ids = list(dict.fromkeys(str(result["ruleId"]) for result in results))
    for result in results:
        result["ruleIndex"] = ids.index(str(result["ruleId"]))
    driver = {
        "name": "Fiscus",
        "version": __version__,
        "rules": [
            {"id": one, "shortDescription": {"text": RULES.get(one, f"Policy {one}")}, "properties": {"tags": ["cost"]}}
            for one in ids
        ],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True}],
        "columnKind": "unicodeCodePoints",
        "properties": {"verdict": report.verdict, "gate": report.id},
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _of_totals(report: GateReport) -> Iterator[dict[str, Any]]:
    for total in report.totals:
        if total.verdict != "allow" and total.reasons:
            said = " ".join(total.reasons)
            yield _result(
                report,
                "budget",
                LEVEL[total.verdict],
                f"{money(total.delta, total.currency, sign=True)} a month. {said}",
            )


def _of_resources(report: GateReport) -> Iterator[dict[str, Any]]:
    for one in report.resources:
        for policy, reason in zip(one.objections, one.reasons, strict=False):
            yield _result(report, policy, LEVEL[one.verdict], reason, one.address)


def _of_unpriced(report: GateReport) -> Iterator[dict[str, Any]]:
    for gap in report.unpriced:
        yield _result(report, "unpriced", "note", f"{gap.what}: {gap.detail}", gap.address)


def _result(report: GateReport, rule: str, level: str, text: str, address: str = "") -> dict[str, Any]:
    place: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": quote(report.file or "plan.json")}, "region": {"startLine": 1}}
    }
    if address:
        place["logicalLocations"] = [{"fullyQualifiedName": address, "kind": "resource"}]
    mark = hashlib.sha256(f"{rule}\n{address}\n{level}".encode()).hexdigest()
    return {
        "ruleId": rule, "level": level, "message": {"text": f"{address}: {text}" if address else text}, "locations": [place],
        "partialFingerprints": {"fiscusGate/v1": mark},
    }  # fmt: skip
