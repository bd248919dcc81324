"""The columns of FOCUS Cost and Usage, as data: type, feature level and the version that introduced each.

Source: FOCUS specification 1.0 to 1.4, © the FOCUS project, CC-BY-4.0; figures carried over, layout ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

ColumnType = Literal["text", "cost", "number", "time", "json", "map"]
SQL_TYPE: Final = {
    "text": "VARCHAR",
    "cost": "DECIMAL(28,12)",
    "number": "DECIMAL(38,18)",
    "time": "TIMESTAMPTZ",
    "json": "VARCHAR",
    "map": "MAP(VARCHAR, VARCHAR)",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the canonical schema. `since` is the FOCUS version that introduced it; level M, C, R or X (ours)."""

    name: str
    type: ColumnType
    level: Literal["M", "C", "R", "X"]
    since: str


FOCUS_1_4: Final[tuple[Column, ...]] = (
    Column("AllocatedMethodDetails", "json", "R", "1.3"),
    Column("AllocatedMethodId", "text", "C", "1.3"),
    Column("AllocatedResourceId", "text", "C", "1.3"),
    Column("AllocatedResourceName", "text", "C", "1.3"),
    Column("AllocatedTags", "json", "C", "1.3"),
    Column("AvailabilityZone", "text", "R", "1.0"),
    Column("BilledCost", "cost", "M", "1.0"),
    Column("BillingAccountId", "text", "M", "1.0"),
    Column("BillingAccountName", "text", "M", "1.0"),
    Column("BillingAccountType", "text", "C", "1.2"),
    Column("BillingCurrency", "text", "M", "1.0"),
    Column("BillingPeriodEnd", "time", "M", "1.0"),
    Column("BillingPeriodStart", "time", "M", "1.0"),
    Column("CapacityReservationId", "text", "C", "1.1"),
    Column("CapacityReservationStatus", "text", "C", "1.1"),
    Column("ChargeCategory", "text", "M", "1.0"),
    Column("ChargeClass", "text", "M", "1.0"),
    Column("ChargeDescription", "text", "M", "1.0"),
    Column("ChargeFrequency", "text", "R", "1.0"),
    Column("ChargePeriodEnd", "time", "M", "1.0"),
    Column("ChargePeriodStart", "time", "M", "1.0"),
    Column("CommitmentDiscountCategory", "text", "C", "1.0"),
    Column("CommitmentDiscountId", "text", "C", "1.0"),
    Column("CommitmentDiscountName", "text", "C", "1.0"),
    Column("CommitmentDiscountQuantity", "number", "C", "1.1"),
    Column("CommitmentDiscountStatus", "text", "C", "1.0"),
    Column("CommitmentDiscountType", "text", "C", "1.0"),
    Column("CommitmentDiscountUnit", "text", "C", "1.1"),
    Column("CommitmentProgramEligibilityDetails", "json", "C", "1.4"),
    Column("ConsumedQuantity", "number", "C", "1.0"),
    Column("ConsumedUnit", "text", "C", "1.0"),
    Column("ContractApplied", "json", "C", "1.3"),
    Column("ContractedCost", "cost", "M", "1.0"),
    Column("ContractedUnitPrice", "number", "C", "1.0"),
    Column("EffectiveCost", "cost", "M", "1.0"),
    Column("HostProviderName", "text", "M", "1.3"),
    Column("InvoiceDetailId", "text", "C", "1.4"),
    Column("InvoiceId", "text", "C", "1.2"),
    Column("InvoiceIssuerName", "text", "M", "1.0"),
    Column("ListCost", "cost", "M", "1.0"),
    Column("ListUnitPrice", "number", "C", "1.0"),
    Column("PricingCategory", "text", "C", "1.0"),
    Column("PricingCurrency", "text", "C", "1.2"),
    Column("PricingCurrencyContractedUnitPrice", "number", "C", "1.2"),
    Column("PricingCurrencyEffectiveCost", "cost", "C", "1.2"),
    Column("PricingCurrencyListUnitPrice", "number", "C", "1.2"),
    Column("PricingQuantity", "number", "M", "1.0"),
    Column("PricingUnit", "text", "M", "1.0"),
    Column("RegionId", "text", "C", "1.0"),
    Column("RegionName", "text", "C", "1.0"),
    Column("ResourceId", "text", "C", "1.0"),
    Column("ResourceName", "text", "C", "1.0"),
    Column("ResourceType", "text", "C", "1.0"),
    Column("ServiceCategory", "text", "M", "1.0"),
    Column("ServiceName", "text", "M", "1.0"),
    Column("ServiceProviderName", "text", "M", "1.3"),
    Column("ServiceSubcategory", "text", "R", "1.1"),
    Column("SkuId", "text", "C", "1.0"),
    Column("SkuMeter", "text", "C", "1.1"),
    Column("SkuPriceDetails", "json", "C", "1.1"),
    Column("SkuPriceId", "text", "C", "1.0"),
    Column("SubAccountId", "text", "C", "1.0"),
    Column("SubAccountName", "text", "C", "1.0"),
    Column("SubAccountType", "text", "C", "1.2"),
    Column("Tags", "map", "C", "1.0"),
)

OURS: Final[tuple[Column, ...]] = (
    Column("x_FocusVersion", "text", "X", "1.0"),
    Column("x_DeliveryId", "text", "X", "1.0"),
    Column("x_ProviderName", "text", "X", "1.0"),
    Column("x_PublisherName", "text", "X", "1.0"),
    Column("x_Extra", "map", "X", "1.0"),
)
"""Kept beside FOCUS: the source's version, the delivery, the two names that 1.4 dropped, and columns FOCUS does not know."""

DROPPED_BY_1_4: Final = ("ProviderName", "PublisherName")
RENAMED: Final = {"UsageQuantity": "ConsumedQuantity", "UsageUnit": "ConsumedUnit"}  # 1.0-preview spellings
BY_NAME: Final = {column.name: column for column in FOCUS_1_4}

REQUIRED_OF_A_FILE: Final = (
    "BilledCost",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ChargeCategory",
    "EffectiveCost",
)
"""Without these a row is not a charge: when, what kind and how much. Other missing columns are counted, not refused."""


def promoted_column(tag_key: str) -> str:
    """The column in which a promoted tag key is stored."""
    return f"x_Tag_{tag_key}"
