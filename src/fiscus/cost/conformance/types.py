"""What a conformance check speaks of: rules, the tests that answer them, and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from fiscus.cost.focus_names import Dataset, FocusVersion

OFFICIAL_NAME: Mapping[Dataset, str] = {
    "cost_and_usage": "CostAndUsage",
    "contract_commitment": "ContractCommitment",
    "billing_period": "BillingPeriod",
    "invoice_detail": "InvoiceDetail",
}

Check = str | list[object] | None
"""["AND", check...], ["OR", check...], [function, operand...], another rule's id, or nothing. See tools/import_focus_rules."""

Outcome = Literal["pass", "fail", "not_applicable", "needs_data"]
Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("note", "warning", "error")
SEVERITY_OF: Mapping[str, Severity] = {
    "MUST": "error",
    "MUST NOT": "error",
    "SHOULD": "warning",
    "SHOULD NOT": "warning",
    "RECOMMENDED": "warning",
    "MAY": "note",
}


@dataclass(frozen=True, slots=True)
class FocusColumn:
    """One column of a FOCUS dataset. `type` is String, Decimal, Date/Time or JSON; `level` M, C, R or O."""

    name: str
    type: str
    level: str
    nulls: bool
    format: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Execution:
    """How a rule that the official model leaves without a check is answered.

    `method` row: `when` and `holds` are SQL conditions over one row. Other methods read `when` and `holds` as their operands.
    `title` is what the rule asks, in our words.
    """

    method: str
    when: str
    holds: str
    title: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one FOCUS version. `function` is Presence, Type, Format, Nullability, Validation or Composite."""

    id: str
    entity: str
    kind: str
    function: str
    keyword: str
    check: Check = None
    when: Check = None
    criteria: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    execution: Execution | None = None
    erratum: str = ""

    @property
    def severity(self) -> Severity:
        return SEVERITY_OF[self.keyword]


@dataclass(frozen=True, slots=True)
class DeliveredColumn:
    """A column as delivered. `kind` of its values as they were loaded: text, number, time or other; `native` its own type."""

    name: str
    kind: Literal["text", "number", "time", "other"]
    native: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of one rule. `judged` rows met its condition, `broken` rows break it; `money` of those by currency.

    `rows` are places of the first broken rows or groups; `reason` says why it is not applicable, or which data it needs.
    """

    rule: str
    entity: str
    keyword: str
    severity: Severity
    outcome: Outcome
    title: str
    judged: int = 0
    broken: int = 0
    money: Mapping[str, Decimal] = field(default_factory=dict)
    rows: tuple[str, ...] = ()
    remedy: str = ""
    reason: str = ""
    erratum: str = ""


@dataclass(frozen=True, slots=True)
class Declared:
    """What the person knows and the file cannot show: criteria that hold or not, and what the vendor has documented."""

    criteria: Mapping[str, bool] = field(default_factory=dict)
    documented: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery judged. `verdicts` of the rules in order, `warnings` of the heuristics beyond the specification."""

    version: FocusVersion
    dataset: Dataset
    files: tuple[str, ...]
    rows: int
    verdicts: tuple[Verdict, ...]
    warnings: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()

    def count(self, outcome: Outcome) -> int:
        """How many rules ended so."""
        return sum(verdict.outcome == outcome for verdict in self.verdicts)

    def failures(self, least: Severity = "note") -> Sequence[Verdict]:
        """Broken rules and warnings of at least this severity, the gravest first."""
        floor = SEVERITIES.index(least)
        broken = [v for v in (*self.verdicts, *self.warnings) if v.outcome == "fail"]
        kept = [v for v in broken if SEVERITIES.index(v.severity) >= floor]
        return sorted(kept, key=lambda v: (-SEVERITIES.index(v.severity), -v.broken, v.rule))
