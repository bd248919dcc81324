"""Where each dataset stands in the lake, what divides it into what one delivery replaces, and what is added up of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fiscus.cost.focus_names import Dataset
from fiscus.cost.views import billing_month_sql

ALL: Final = "all"
"""The one period of a dataset that has no months: a delivery of it replaces everything of its source."""
BILLING_MONTH: Final = billing_month_sql('"BillingPeriodStart"')


@dataclass(frozen=True, slots=True)
class LakeTable:
    """`folder`: its Delta table in the lake; `view`: what is stored, as SQL reads it; `rows`: what its rows are called.

    `month`, `currency`, `costs` (billed and effective), `residue` and `cells` are SQL over its rows. No two rows of a delivery
    may have the same `key`. `shrinks`: a delivery with far less than before is nothing odd.
    """

    dataset: Dataset
    folder: str
    view: str
    rows: str
    month: str
    currency: str
    costs: tuple[str, str]
    key: tuple[str, ...] = ()
    shrinks: bool = False
    residue: str = "CAST(0 AS DECIMAL(38,30))"
    cells: str = "0"
    corrections: str = "0"

    @property
    def totals_sql(self) -> str:
        """One row a month and currency of {relation}: rows, both costs, what rounding took and of how many cells, corrections."""
        billed, effective = self.costs
        return (
            f"SELECT x_BillingMonth, {self.currency} AS currency, count(*), sum({billed}), sum({effective}), "
            f"sum({self.residue}), sum({self.cells}), sum({self.corrections}) FROM {{relation}} GROUP BY ALL ORDER BY ALL"
        )


CHARGES: Final = LakeTable(
    "cost_and_usage",
    "charges",
    "lake_charges",
    "charges",
    BILLING_MONTH,
    "BillingCurrency",
    ("BilledCost", "EffectiveCost"),
    residue="CAST(x_RoundingResidue AS DECIMAL(38,30))",
    cells="x_RoundedCells",
    corrections="CAST(ChargeClass IS NOT DISTINCT FROM 'Correction' AS INTEGER)",
)
_COMMITTED: Final = "coalesce(ContractCommitmentCost, 0)"
_NOTHING: Final = "CAST(0 AS DECIMAL(28,12))"
TABLES: Final[Mapping[Dataset, LakeTable]] = {
    "cost_and_usage": CHARGES,
    "contract_commitment": LakeTable(
        "contract_commitment",
        "contract_commitments",
        "contract_commitments",
        "commitments",
        f"'{ALL}'",
        "coalesce(BillingCurrency, '')",
        (_COMMITTED, _COMMITTED),
        ("ContractId", "ContractCommitmentId", "ContractCommitmentPeriodStart"),
        shrinks=True,
    ),
    "billing_period": LakeTable(
        "billing_period",
        "billing_periods",
        "billing_periods",
        "billing periods",
        BILLING_MONTH,
        "''",
        (_NOTHING, _NOTHING),
        ("InvoiceIssuerName", "BillingPeriodStart", "BillingPeriodEnd"),
        shrinks=True,
    ),
    "invoice_detail": LakeTable(
        "invoice_detail",
        "invoice_details",
        "invoice_details",
        "invoice lines",
        BILLING_MONTH,
        "BillingCurrency",
        ("BilledCost", "BilledCost"),
        ("InvoiceIssuerName", "InvoiceId", "InvoiceDetailId"),
    ),
}
