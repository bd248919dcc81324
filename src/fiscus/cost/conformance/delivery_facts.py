"""What a check knows of a delivery before it judges a rule: columns, kinds, criteria, declarations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fiscus.cost.conformance.ask_rows import Count, columns_of_few_values
from fiscus.cost.conformance.cells import odd_words
from fiscus.cost.conformance.criteria import EVIDENCE
from fiscus.cost.conformance.load_rules import focus_columns
from fiscus.cost.conformance.ports import Desk
from fiscus.cost.conformance.row_tests import RowTest
from fiscus.cost.conformance.types import Declared, DeliveredColumn, FocusColumn
from fiscus.cost.focus_names import Dataset, FocusVersion

INEXACT: Final = ("DOUBLE", "FLOAT")
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
    few: tuple[str, ...] = ()
    """Columns that hold few values: rows are grouped by them as they are."""

    @property
    def kind_of(self) -> Callable[[str], str]:
        """The kind that a column was delivered in; an absent one reads as text."""

        def kind(name: str) -> str:
            found = self.delivered[name].kind if name in self.delivered else "text"
            if found == "number" and not self.delivered[name].native.startswith(INEXACT):
                return "exact"
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


def first_facts(desk: Desk, version: FocusVersion, dataset: Dataset, declared: Declared) -> Facts:
    """What the header tells. Until the rows were counted, every criterion is taken as met and no word as odd."""
    delivered = {column.name: column for column in desk.columns}
    facts = Facts(version, dataset, focus_columns(version, dataset), delivered, declared, desk.row_count)
    facts.criteria = dict.fromkeys(EVIDENCE, True)
    facts.few = columns_of_few_values(desk)
    return facts


def tests_of_facts(facts: Facts) -> Mapping[str, RowTest]:
    """What the rows are asked about the delivery itself: evidence of criteria, columns with odd words."""
    odd = odd_words(list(facts.delivered.values()), facts.focus)
    return {**criteria_tests(), **{f"odd {column}": test for column, test in odd.items()}}


def settle(facts: Facts, counts: Mapping[str, Count]) -> None:
    """The facts as the rows show them: criteria are read from the data, and what is declared overrules them."""
    odd = {name: f"odd {name}" for name in facts.delivered}
    facts.odd_words = frozenset(name for name, test in odd.items() if test in counts and counts[test].broken)
    facts.criteria = {name: counts[f"criterion {name}"].broken > 0 for name in EVIDENCE} | dict(facts.declared.criteria)
