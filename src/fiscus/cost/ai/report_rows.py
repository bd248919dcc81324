"""A vendor's cost report as FOCUS 1.4 rows: what the vendor bills, a day and line item each. BilledCost is what it says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from fiscus.cost.ai.types import VendorCost
from fiscus.kernel.periods import Month

COLUMNS: Final = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodStart", "ChargePeriodEnd",
    "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "EffectiveCost", "HostProviderName", "InvoiceIssuerName", "ListCost",
    "ContractedUnitPrice", "ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit",
    "ServiceCategory", "ServiceName", "ServiceProviderName", "ServiceSubcategory", "SkuId",
    "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName", "SubAccountType", "x_CredentialId",
)  # fmt: skip


def report_rows(costs: Iterable[VendorCost], account: str, provider: str) -> Iterator[Mapping[str, str]]:
    """One row a line of the report. A line that costs nothing says nothing of money and is left out."""
    for cost in costs:
        if not cost.amount:
            continue
        month, amount = Month.of(cost.day), f"{cost.amount:f}"
        quantity = "" if cost.quantity is None else f"{cost.quantity:f}"
        yield {
            "BilledCost": amount,
            "EffectiveCost": amount,
            "ListCost": amount,
            "ContractedCost": amount,
            "BillingAccountId": f"{account}-{cost.currency}",
            "BillingAccountName": account,
            "BillingCurrency": cost.currency,
            "BillingPeriodStart": f"{month.start}T00:00:00Z",
            "BillingPeriodEnd": f"{month.end}T00:00:00Z",
            "ChargePeriodStart": f"{cost.day}T00:00:00Z",
            "ChargePeriodEnd": f"{cost.day + timedelta(days=1)}T00:00:00Z",
            "ChargeCategory": "Usage",
            "ChargeClass": "",
            "ChargeDescription": cost.item or f"{provider} usage",
            "ChargeFrequency": "Usage-Based",
            "ConsumedQuantity": quantity or amount,
            "ConsumedUnit": (cost.unit or "Units") if quantity else cost.currency,
            "ContractedUnitPrice": "1",  # the report has no unit prices: it is priced by its money
            "ListUnitPrice": "1",
            "PricingCategory": "Standard",
            "PricingQuantity": amount,
            "PricingUnit": cost.currency,
            "HostProviderName": provider,
            "InvoiceIssuerName": provider,
            "ServiceCategory": "AI and Machine Learning",
            "ServiceName": f"{provider} API",
            "ServiceProviderName": provider,
            "ServiceSubcategory": "Generative AI",
            "SkuId": cost.item,
            "SkuMeter": cost.item,
            "SkuPriceId": cost.item,
            "SkuPriceDetails": json.dumps({"x_ModelId": cost.model}) if cost.model else "",
            "SubAccountId": cost.account,
            "SubAccountName": cost.account,
            "SubAccountType": "Project" if cost.account else "",
            "x_CredentialId": cost.key,
        }
