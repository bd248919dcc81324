"""What a check knows of a delivery before it judges a rule: columns, kinds, criteria, declarations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fiscus.cost.conformance.ask_rows import count_rows
from fiscus.cost.conformance.cells import odd_words
from fiscus.cost.conformance.criteria import EVIDENCE
from fiscus.cost.conformance.load_rules import focus_columns
from fiscus.cost.conformance.ports import Desk
from fiscus.cost.conformance.row_tests import RowTest
from fiscus.cost.conformance.types import Declared, DeliveredColumn, FocusColumn
from fiscus.cost.types import Dataset, FocusVersion

MONEY_COLUMN: Final[Mapping[Dataset, str]] = {
    "cost_and_usage": "EffectiveCost",
    "contract_commitment": "ContractCommitmentCost",
    "billing_period": "BilledCost",
    "invoice_detail": "BilledCost",
}


@dataclass(slots=True)
class Facts:
    """Filled once, before the rules are asked."""

    version: FocusVersion
    dataset: Dataset
    focus: Mapping[str, FocusColumn]
    delivered: Mapping[str, DeliveredColumn]
    declared: Declared
    rows: int
    criteria: dict[str, bool] = field(default_factory=dict)
    odd_words: frozenset[str] = frozenset()
    """Columns with a text that is blank or a word for nothing: only they are asked the rules that look for those."""

    @property
    def kind_of(self) -> Callable[[str], str]:
        """The kind that a column was delivered in; an absent one reads as text."""

        def kind(name: str) -> str:
            found = self.delivered[name].kind if name in self.delivered else "text"
            return "plain" if found == "text" and name not in self.odd_words else found

        return kind

    def unmet(self, criteria: frozenset[str]) -> list[str]:
        """The criteria among these that nothing shows and nobody declared, sorted."""
        return sorted(name for name in criteria if not self.criteria.get(name, False))

    def is_csv(self, column: str) -> bool:
        return self.delivered[column].native == "CSV"


def criteria_tests() -> Mapping[str, RowTest]:
    """Evidence for each criterion, as tests that count the rows that show it."""
    return {f"criterion {name}": RowTest("true", f"coalesce({sql}, false)") for name, sql in EVIDENCE.items()}


def learn_facts(desk: Desk, version: FocusVersion, dataset: Dataset, declared: Declared) -> Facts:
    """The facts of the delivery on the desk: criteria are read from the data, and what is declared overrules them."""
    delivered = {column.name: column for column in desk.columns}
    facts = Facts(version, dataset, focus_columns(version, dataset), delivered, declared, desk.row_count)
    facts.odd_words = frozenset(delivered)
    found = count_rows(
        desk, {**criteria_tests(), **odd_words(desk.columns, facts.focus)}, facts.kind_of, by_value=False
    )
    facts.odd_words = frozenset(
        column.name for column in desk.columns if column.name in found and found[column.name].broken
    )
    facts.criteria = {name: found[f"criterion {name}"].broken > 0 for name in EVIDENCE} | dict(facts.declared.criteria)
    return facts
