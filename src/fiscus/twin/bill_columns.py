"""Columns of a bill as text: what follows from the line (once a line), and what follows from the charge (vectorised)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fiscus.twin.catalogue import code
from fiscus.twin.dialects import Dialect, Times
from fiscus.twin.fine_decimals import rest_of
from fiscus.twin.line import NO_PRICE, Book, Facts, Ints, Line
from fiscus.twin.timeline import SPAN_MAX, Timeline

COST_DIGITS: Final = 12
QUANTITY_DIGITS: Final = 6
TIME_FORMATS: Final[Mapping[Times, str]] = {
    "iso": "%Y-%m-%dT00:00:00Z",
    "space": "%Y-%m-%d 00:00:00",
    "day_first": "%d/%m/%Y",
}
REGION_NAMES: Final = {
    "us-east-1": "US East (N. Virginia)", "us-west-2": "US West (Oregon)", "eu-west-1": "EU (Ireland)", "eastus2": "East US 2",
    "westeurope": "West Europe", "us-central1": "Iowa", "europe-west4": "Netherlands", "us-ashburn-1": "US East (Ashburn)",
}  # fmt: skip
OfLine = Callable[[Line, Dialect], str]
LINE_COLUMNS: Final[Mapping[str, OfLine]] = {
    "AvailabilityZone": lambda line, d: f"{line.region}a" if d.source == "aws" and line.machine else "",
    "BillingAccountId": lambda _, d: d.billing_account[0],
    "BillingAccountName": lambda _, d: d.billing_account[1],
    "BillingAccountType": lambda _, d: d.billing_account[2],
    "BillingCurrency": lambda _, d: d.currency,
    "ChargeCategory": lambda line, _: line.category,
    "ChargeClass": lambda line, _: line.charge_class,
    "ChargeDescription": lambda line, _: line.text or line.sku.text,
    "ChargeFrequency": lambda line, _: line.frequency,
    "CommitmentDiscountCategory": lambda line, _: line.commitment.category if line.commitment else "",
    "CommitmentDiscountId": lambda line, _: line.commitment.id if line.commitment else "",
    "CommitmentDiscountName": lambda line, _: line.commitment.name if line.commitment else "",
    "CommitmentDiscountStatus": lambda line, _: line.status,
    "CommitmentDiscountType": lambda line, _: line.commitment.type if line.commitment else "",
    "CommitmentDiscountUnit": lambda line, d: "" if not line.commitment else _commitment_unit(line, d),
    "ConsumedUnit": lambda line, _: (
        line.sku.consumed_unit if line.category == "Usage" and line.status != "Unused" else ""
    ),
    "HostProviderName": lambda _, d: d.host or d.provider,
    "InvoiceIssuerName": lambda _, d: d.issuer,
    "PricingCategory": lambda line, _: line.pricing,
    "PricingCurrency": lambda line, d: d.virtual if d.virtual and line.category == "Usage" else d.currency,
    "PricingUnit": lambda line, _: line.sku.unit if line.status != "Unused" else "",
    "ProviderName": lambda _, d: d.provider,
    "PublisherName": lambda line, d: line.publisher or d.provider,
    "RegionId": lambda line, _: line.region,
    "RegionName": lambda line, _: REGION_NAMES.get(line.region, ""),
    "ResourceId": lambda line, _: line.resource_id,
    "ResourceName": lambda line, _: line.resource_name,
    "ResourceType": lambda line, _: line.sku.resource_type if line.resource_id else "",
    "ServiceCategory": lambda line, _: line.sku.category,
    "ServiceName": lambda line, _: line.sku.service,
    "ServiceProviderName": lambda line, d: line.publisher or d.provider,
    "ServiceSubcategory": lambda line, _: line.sku.subcategory,
    "SkuId": lambda line, _: line.sku.id,
    "SkuMeter": lambda line, _: line.sku.meter,
    "SkuPriceDetails": lambda line, _: json.dumps(line.sku.details) if line.sku.details else "",
    "SkuPriceId": lambda line, _: line.sku.price_id,
    "SubAccountId": lambda line, _: line.account.id,
    "SubAccountName": lambda line, _: line.account.name,
    "SubAccountType": lambda line, _: line.account.type,
    "Tags": lambda line, _: json.dumps(line.tags) if line.tags is not None else "",
    "x_ServiceCode": lambda line, _: line.sku.service.replace(" ", ""),
    "x_UsageType": lambda line, _: line.sku.meter,
    "x_Operation": lambda line, _: "RunInstances" if line.machine else "",
    "x_BillingProfileId": lambda _, __: "RVH2-QXNT-BG7-PGB",
    "x_ResourceGroupName": lambda line, _: f"rg-{line.resource_name}" if line.resource_name else "",
    "x_SkuMeterId": lambda line, _: code(line.sku.meter, 24).lower(),
    "x_CostType": lambda line, _: line.category.lower().replace("usage", "regular"),
    "x_CredentialId": lambda line, _: line.extra.get("x_CredentialId", ""),
    "x_PrincipalId": lambda line, _: line.extra.get("x_PrincipalId", ""),
    "oci_ReferenceNumber": lambda line, _: code(line.resource_id + line.sku.id, 20),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of some charges of a book. Text, with nulls where the charge has no value."""

    book: Book
    facts: Facts
    dialect: Dialect
    timeline: Timeline
    of_lines: dict[str, pa.Array] = field(
        default_factory=dict
    )  # each line's text by column, kept over the months of a book

    def line_column(self, name: str, escape: Callable[[str], str]) -> pa.Array:
        """A column that follows from the line alone; `escape` is applied once a line."""
        if name not in self.of_lines:
            texts = [LINE_COLUMNS[name](line, self.dialect) for line in self.book.lines]
            self.of_lines[name] = pa.array([escape(text) if text else None for text in texts], pa.string())
        column = self.of_lines[name].take(pa.array(self.facts.line))
        if name in {"PricingUnit", "ConsumedUnit"}:
            return pc.if_else(pa.array(self.facts.counted), column, pa.scalar(None, pa.string()))
        return column

    def numbers(self, name: str) -> tuple[Ints, int, Ints | None, np.ndarray]:
        """(integers, digits, three digits below or None, where there is a value) of a numeric column."""
        facts, all_of = self.facts, np.ones(len(self.facts), bool)
        if self.dialect.virtual and name.startswith("PricingCurrency"):
            return self._virtual(name)
        costs = {
            "BilledCost": (facts.billed, "billed"),
            "EffectiveCost": (facts.effective, "effective"),
            "PricingCurrencyEffectiveCost": (facts.effective, "effective"),
            "ListCost": (facts.list_cost, "list"),
            "ContractedCost": (facts.contracted_cost, "contracted"),
        }
        if name in costs:
            amount, group = costs[name]
            return amount, COST_DIGITS, rest_of(facts, group), all_of
        if name in {"ListUnitPrice", "PricingCurrencyListUnitPrice"}:
            return facts.list_price, QUANTITY_DIGITS, None, facts.list_price != NO_PRICE
        if name in {"ContractedUnitPrice", "PricingCurrencyContractedUnitPrice"}:
            return facts.contracted_price, QUANTITY_DIGITS, None, facts.contracted_price != NO_PRICE
        if name == "CommitmentDiscountQuantity":
            return facts.committed, COST_DIGITS, None, self._of_line(lambda line: line.commitment is not None)
        rest = rest_of(facts, "quantity")
        if name == "PricingQuantity":
            return facts.quantity, QUANTITY_DIGITS, rest, facts.counted
        consumed = self._of_line(lambda line: line.category == "Usage" and line.status != "Unused") & facts.counted
        per = np.array([line.sku.consumed_per_unit for line in self.book.lines], np.int64)[facts.line]
        return facts.quantity * per + rest * per // 1000, QUANTITY_DIGITS, rest * per % 1000, consumed

    def _virtual(self, name: str) -> tuple[Ints, int, Ints | None, np.ndarray]:
        """The same in credits where usage is priced in them: a hundred to the currency's unit."""
        amount, digits, _, valid = replace(self, dialect=replace(self.dialect, virtual="")).numbers(name)
        return np.where(self._of_line(lambda line: line.category == "Usage"), amount * 100, amount), digits, None, valid

    def times(self, name: str) -> Ints:
        """Day index of a time column."""
        starts = self.timeline.month_starts()
        return {
            "BillingPeriodStart": starts[self.facts.month],
            "BillingPeriodEnd": starts[self.facts.month + 1],
            "ChargePeriodStart": self.facts.day,
            "ChargePeriodEnd": self.facts.day + self.facts.span,
        }[name]

    def _of_line(self, test: Callable[[Line], bool]) -> np.ndarray:
        return np.array([test(line) for line in self.book.lines])[self.facts.line]


NUMBERS: Final = (
    "BilledCost", "EffectiveCost", "PricingCurrencyEffectiveCost", "ListCost", "ContractedCost", "ListUnitPrice", "PricingCurrencyListUnitPrice",
    "ContractedUnitPrice", "PricingCurrencyContractedUnitPrice", "CommitmentDiscountQuantity", "PricingQuantity", "ConsumedQuantity",
)  # fmt: skip
TIMES: Final = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")
COSTS: Final = ("BilledCost", "EffectiveCost", "PricingCurrencyEffectiveCost", "ListCost", "ContractedCost")


def decimal_text(amount: Ints, digits: int, rest: Ints | None, *, fixed: bool) -> pa.Array:
    """Integers of `digits` decimals as plain decimal text, never with an exponent; trailing zeros only when `fixed`."""
    whole = pc.utf8_lpad(pa.array(np.abs(amount)).cast(pa.string()), digits + 1, "0")
    parts = [pc.utf8_slice_codeunits(whole, 0, -digits), pc.utf8_slice_codeunits(whole, -digits, 100)]
    text = pc.binary_join_element_wise(*parts, ".")
    if rest is not None and rest.any():
        more = pc.utf8_lpad(pa.array(rest).cast(pa.string()), 3, "0")
        text = pc.binary_join_element_wise(text, more, "")
    if not fixed:
        text = pc.utf8_rtrim(pc.utf8_rtrim(text, "0"), ".")
    if (amount < 0).any():
        text = pc.if_else(pa.array(amount < 0), pc.binary_join_element_wise("-", text, ""), text)
    return text


@cache
def time_texts(timeline: Timeline, times: Times) -> pa.Array:
    """Each day of the timeline and beyond, as text."""
    return pa.array([timeline.date(day).strftime(TIME_FORMATS[times]) for day in range(timeline.days + SPAN_MAX)])


def _commitment_unit(line: Line, dialect: Dialect) -> str:
    return dialect.currency if line.commitment and line.commitment.category == "Spend" else "Hours"
