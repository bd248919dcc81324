"""Writes docs/reference/policies-library.md from the library itself; a test keeps them equal.

`python -m tools.write_library_page`
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fiscus.guardrails.explanations.say_condition import say
from fiscus.guardrails.policies.load_policies import library_texts, load_policies
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.types import INTENT_KINDS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "policies-library.md"
TOPICS = {
    "ai.yaml": "AI", "budgets.yaml": "Budgets", "commitments.yaml": "Commitments", "marketplace.yaml": "Marketplaces",
    "observed.yaml": "Resources, anomalies and invoices", "resources.yaml": "Resources, tags and regions",
    "saas.yaml": "SaaS", "vendors.yaml": "Vendors",
}  # fmt: skip
HEAD = """# The library of policies

A new workspace starts with these; they are files of yours to change, each with its tests beside it. This page is written by
`python -m tools.write_library_page`. [Policies](policies.md) says what each field means, [Policies as
code](../how-to/policies-as-code.md) how to try one on your own history before it stops anybody.
"""


def library_page() -> str:
    """The whole page, as it must stand."""
    library = list(load_policies(library_texts()))
    lines = [HEAD]
    for file in library_texts():
        mine = [one for one in library if one.policy.file == file]
        lines += [f"## {TOPICS[file]}", "", "| policy | judges | level | |", "|---|---|---|---|"]
        lines += [_row(one) for one in mine]
        lines.append("")
        for one in mine:
            lines += [*_policy(one), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _row(one: CompiledPolicy) -> str:
    policy = one.policy
    judges = ", ".join(f"`{target}`" for target in policy.targets) or "detector"
    return f"| [`{policy.id}`](#{policy.id}) | {judges} | {policy.level} | {policy.title} |"


def _policy(one: CompiledPolicy) -> Iterator[str]:
    policy = one.policy
    yield f"### {policy.id}"
    yield ""
    yield f"{policy.title[0].upper()}{policy.title[1:]}. {policy.reason}"
    yield ""
    if policy.detector:
        yield f"- Matches what the detector `{policy.detector}` finds."
    for words, targets in _said(one).items():
        yield f"- On {', '.join(f'`{target}`' for target in targets)}, when {words}."
    yield f"- {_then(one)}"
    yield f"- What to do: {policy.remedy}"
    if one.tests:
        yield f"- Tests beside it: {len(one.tests)}."


def _said(one: CompiledPolicy) -> dict[str, list[str]]:
    """Condition in words -> the targets that it is the same for."""
    said: dict[str, list[str]] = {}
    for target, node in one.conditions.items():
        said.setdefault(say(node).replace("|", r"\|").replace("*", r"\*"), []).append(target)
    return said


def _then(one: CompiledPolicy) -> str:
    policy = one.policy
    parts = [f"Level {policy.level}"]
    if any(target in INTENT_KINDS for target in policy.targets):
        parts[0] += f", asks for {policy.effect.replace('_', ' ')}"
    if policy.options:
        parts.append(
            "offers " + "; ".join(f"{way.title.lower()} (at {way.price_share} of the price)" for way in policy.options)
        )
    if policy.approval:
        bands = [
            f"{' or '.join(band.roles) or 'whoever answers for the team'}{' (two people)' if band.approvers > 1 else ''}"
            + (f" over {band.over:,f} {policy.approval.currency}" if band.over else "")
            for band in policy.approval.bands
        ]
        parts.append(f"approved by {', '.join(bands)}")
    if policy.targets and not any(target in INTENT_KINDS for target in policy.targets):
        parts.append(f"opens findings of kind `{policy.finding}`")
    if policy.window_days:
        parts.append(f"over the last {policy.window_days} days")
    if policy.days_min > 1:
        parts.append(f"on at least {policy.days_min} days")
    if policy.min_amount:
        parts.append(f"from {policy.min_amount:,f} on")
    if policy.action:
        parts.append(f"plans `{policy.action}`, which a person approves")
    return "; ".join(parts) + f"; where it has no answer: {policy.on_error}."


if __name__ == "__main__":
    PAGE.write_text(library_page(), encoding="utf-8")
