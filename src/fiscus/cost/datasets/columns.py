"""The columns of the datasets beside Cost and Usage as the lake stores them: those of FOCUS 1.4, and ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from fiscus.cost.columns import SQL_TYPE, Column, ColumnType
from fiscus.cost.conformance.load_rules import focus_columns
from fiscus.cost.focus_names import FOCUS_VERSIONS, Dataset

NEEDED: Final[Mapping[Dataset, tuple[str, ...]]] = {
    "contract_commitment": (
        "ContractCommitmentId", "ContractCommitmentCategory", "ContractCommitmentPeriodStart", "ContractCommitmentPeriodEnd",
    ),
    "billing_period": ("BillingPeriodStart", "BillingPeriodEnd", "BillingPeriodStatus", "InvoiceIssuerName"),
    "invoice_detail": (
        "InvoiceDetailId", "InvoiceId", "InvoiceIssuerName", "BillingPeriodStart", "BillingPeriodEnd", "BilledCost",
        "BillingCurrency",
    ),
}  # fmt: skip
"""Without these, a row says nothing that could be used. Other missing columns are counted, not refused."""
MAY_BE_EMPTY: Final = ("ContractCommitmentId",)
"""Needed as a column, but FOCUS 1.3 lets a row go without."""
CHOICES: Final = ("BillingPeriodStatus", "InvoiceIssueStatus", "ContractCommitmentCategory")
"""Columns whose meaning is acted on: a word that FOCUS does not list is refused and not guessed."""
PERIODS: Final = (
    ("BillingPeriodStart", "BillingPeriodEnd"),
    ("ContractCommitmentPeriodStart", "ContractCommitmentPeriodEnd"),
    ("ContractPeriodStart", "ContractPeriodEnd"),
)
OURS: Final = (
    ("x_FocusVersion", "VARCHAR"),
    ("x_DeliveryId", "VARCHAR"),
    ("x_Extra", SQL_TYPE["map"]),
    ("x_SourceId", "VARCHAR"),
    ("x_BillingMonth", "VARCHAR"),
)
_TYPES: Final[Mapping[str, ColumnType]] = {"String": "text", "Date/Time": "time", "JSON": "json"}


@cache
def dataset_columns(dataset: Dataset) -> tuple[Column, ...]:
    """The columns of FOCUS 1.4, each with the version that introduced it."""
    columns = []
    for name, column in focus_columns("1.4", dataset).items():
        since = next(version for version in FOCUS_VERSIONS if name in focus_columns(version, dataset))
        cost: ColumnType = "cost" if name.endswith("Cost") else "number"
        level = "M" if column.level == "M" else "C"
        columns.append(Column(name, _TYPES.get(column.type, cost), level, since))  # type: ignore[arg-type]  # two letters
    return tuple(columns)


@cache
def stored_columns(dataset: Dataset) -> Sequence[tuple[str, str]]:
    """(name, SQL type) of everything that the lake keeps of a row."""
    return [(column.name, SQL_TYPE[column.type]) for column in dataset_columns(dataset)] + list(OURS)


def choices(dataset: Dataset) -> Mapping[str, tuple[str, ...]]:
    """Of the columns whose meaning is acted on: what they may say."""
    known = focus_columns("1.4", dataset)
    return {name: known[name].values for name in CHOICES if name in known}
