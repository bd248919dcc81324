"""Lint findings as SARIF 2.1.0 (OASIS), which code hosts show beside the line at fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fiscus.guardrails.lint.types import RULES, LintFinding


def sarif(findings: Sequence[LintFinding], version: str) -> Mapping[str, object]:
    """One run of the tool `fiscus policy lint`, with a result for each finding."""
    rules = [{"id": rule, "shortDescription": {"text": text}} for rule, text in RULES.items()]
    driver = {"name": "fiscus policy lint", "version": version, "rules": rules}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_result(one) for one in findings]}],
    }


def _result(one: LintFinding) -> Mapping[str, object]:
    place = {"artifactLocation": {"uri": one.file}, "region": {"startLine": one.line}}
    name = f"{one.policy_id}: " if one.policy_id else ""
    return {
        "ruleId": one.rule,
        "level": one.severity,
        "message": {"text": f"{name}{one.message}. {one.remedy}"},
        "locations": [{"physicalLocation": place}],
    }
