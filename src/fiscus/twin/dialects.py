"""How each vendor writes its FOCUS file: version, format, names, and the habits that a reader must bear with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from fiscus.cost.columns import DROPPED_BY_1_4, FOCUS_1_4
from fiscus.cost.focus_names import FocusVersion

Times = Literal["iso", "space", "day_first"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One vendor's export. `path` takes month (2026-10), first and last (20261001) and part."""

    source: str
    version: FocusVersion
    path: str
    provider: str
    issuer: str
    billing_account: tuple[str, str, str]  # id, name, type
    host: str = ""
    currency: str = "USD"
    virtual: str = ""  # what its usage is priced in, where that is no currency; a credit is a cent
    times: Times = "iso"
    null: str = ""
    fixed_decimals: bool = False  # every cost with all its zeros
    no_contracted_for_committed: bool = False  # ContractedCost 0 on covered and marketplace rows
    left_out: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    rows_a_file: int = 250_000
    quality: tuple[str, ...] = field(default=())

    @property
    def columns(self) -> tuple[str, ...]:
        """The header: the version's columns, the vendor's own after them."""
        known = [column.name for column in FOCUS_1_4 if column.since <= self.version]
        dropped = list(DROPPED_BY_1_4) if self.version < "1.4" else []
        kept = sorted(name for name in [*known, *dropped] if name not in self.left_out)
        if self.version == "1.3":
            kept = [name for name in kept if name not in NEW_IN_1_4]
        return (*kept, *self.extra)


NEW_IN_1_4: Final = ("InvoiceDetailId", "CommitmentProgramEligibilityDetails")
AI_EXTRA: Final = ("x_CredentialId", "x_PrincipalId")
DIALECTS: Final = {
    dialect.source: dialect
    for dialect in (
        Dialect(
            "aws", "1.2", "BILLING_PERIOD={month}/northwind-focus-{part:05d}.csv.gz", "AWS", "Amazon Web Services, Inc.",
            ("111100001001", "Northwind Robotics", "Billing account"), fixed_decimals=True, rows_a_file=60_000,
            extra=("x_ServiceCode", "x_UsageType", "x_Operation"),
        ),
        Dialect(
            "azure", "1.0", "{first}-{last}/part_0_{part:04d}.csv", "Microsoft", "Microsoft",
            ("/providers/Microsoft.Billing/billingAccounts/8127734", "Northwind Robotics", ""),
            no_contracted_for_committed=True, extra=("x_BillingProfileId", "x_ResourceGroupName", "x_SkuMeterId"),
        ),
        Dialect(
            "gcp", "1.1", "focus_{month}_{part:03d}.parquet", "Google Cloud", "Google Cloud",
            ("01A2B3-44C5D6-7E8F90", "Northwind Robotics Billing", ""), extra=("x_CostType",),
        ),
        Dialect(
            "oracle", "1.0", "{month}/{part:04d}_focus_cost.csv", "Oracle", "Oracle", ("20447711", "Northwind Robotics", ""),
            times="space", null="NULL", extra=("oci_ReferenceNumber",),
        ),
        Dialect(
            "openai", "1.2", "openai_costs_{month}.csv", "OpenAI", "OpenAI, LLC",
            ("org-nW7robotics", "Northwind Robotics", "Organization"), extra=AI_EXTRA,
        ),
        Dialect(
            "anthropic", "1.4", "claude_usage_{month}.csv.zst", "Anthropic", "Anthropic, PBC",
            ("9f0c51d4-org", "Northwind Robotics", "Organization"), host="Anthropic", extra=AI_EXTRA,
        ),
        Dialect(
            "mistral", "1.3", "mistral-{month}.csv.zst", "Mistral AI", "Mistral AI SAS",
            ("nw-eu-2281", "Northwind Robotics Europe", "Organization"), host="Mistral AI", currency="EUR", extra=AI_EXTRA,
        ),
        Dialect(
            "huggingface", "1.3", "hf-billing-{month}.csv", "Hugging Face", "Hugging Face, Inc.",
            ("northwind-robotics", "Northwind Robotics", "Enterprise"), host="AWS", extra=AI_EXTRA,
        ),
        Dialect(
            "perplexity", "1.2", "pplx_{month}.csv", "Perplexity", "Perplexity AI, Inc.",
            ("pplx-org-118", "Northwind Robotics", "Organization"), extra=AI_EXTRA, virtual="Credits",
        ),
        Dialect(
            "snowfield", "1.2", "SNOWFIELD_FOCUS_{month}.csv.gz", "Snowfield", "Snowfield Inc.",
            ("NORTHWIND", "Northwind Robotics", "Organization"), fixed_decimals=True,
        ),
        Dialect(
            "dogwatch", "1.3", "dogwatch-cost-{month}.csv", "Dogwatch", "Dogwatch, Inc.",
            ("dw-parent-90", "Northwind Robotics", "Organization"), host="Dogwatch",
        ),
        Dialect(
            "codeharbor", "1.0", "codeharbor-usage-{month}.csv", "CodeHarbor", "CodeHarbor, Inc.",
            ("ent-5570", "Northwind Robotics", ""), left_out=("BillingCurrency", "Tags"),
        ),
        Dialect(
            "workdesk", "1.1", "Workdesk Invoice {month}.csv", "Workdesk", "Workdesk GmbH",
            ("KD-448812", "Northwind Robotics GmbH", ""), times="day_first", left_out=("Tags",),
        ),
    )
}  # fmt: skip
