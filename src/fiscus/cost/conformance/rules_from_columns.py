"""Rules of the versions that have no official model, from the table of columns: presence, type, format, nulls, values.

Ids follow the official pattern with the letters of the table: `T-BilledCost-Presence`. Source: the columns of FOCUS 1.0, 1.1 and
1.4 (CC-BY-4.0); for Cost and Usage 1.4 the rules of 1.3 that still hold are added by `load_rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fiscus.cost.conformance.types import Check, FocusColumn, Rule
from fiscus.cost.focus_names import Dataset, FocusVersion

PRESENCE = {"M": "MUST", "C": "MUST", "R": "RECOMMENDED", "O": "MAY"}
TYPES = {"String": "TypeString", "Decimal": "TypeDecimal", "Date/Time": "TypeDateTime", "JSON": "TypeString"}
FORMATS = (
    ("Numeric", "FormatNumeric"), ("Decimal", "FormatNumeric"), ("Date/Time", "FormatDateTime"), ("Currency", "FormatCurrency"),
    ("Unit Format recommended", "FormatUnit"), ("Unit", "FormatUnit"), ("Key-Value", "FormatKeyValue"),
    ("KeyValue", "FormatKeyValue"), ("JSON Object", "FormatJSON"),
)  # fmt: skip
CRITERION_OF = {
    "AvailabilityZone": "AVAILABILITY_ZONE_SUPPORTED",
    "CapacityReservation": "CAPACITY_RESERVATION_SUPPORTED",
    "CommitmentDiscount": "COMMITMENT_DISCOUNT_SUPPORTED",
    "CommitmentProgram": "COMMITMENT_PROGRAMS_SUPPORTED",
    "Consumed": "USAGE_MEASUREMENT_SUPPORTED",
    "ContractApplied": "CONTRACT_COMMITMENTS_SUPPORTED",
    "ContractedUnitPrice": "NEGOTIATED_PRICING_SUPPORTED",
    "ListUnitPrice": "PUBLIC_PRICE_LIST_SUPPORTED",
    "PricingCategory": "MULTIPLE_PRICING_CATEGORIES_SUPPORTED",
    "PricingCurrency": "PRICING_BILLING_CURRENCY_DIFFERENCES_SUPPORTED",
    "PaymentCurrency": "PAYMENT_CURRENCY_DIFFERENCES_SUPPORTED",
    "PurchaseOrder": "PURCHASE_ORDERS_SUPPORTED",
    "Region": "REGION_SUPPORTED",
    "Resource": "BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED",
    "Sku": "UNIT_PRICING_SUPPORTED",
    "SubAccount": "SUB_ACCOUNT_SUPPORTED",
    "SubAccountType": "MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED",
    "BillingAccountType": "MULTIPLE_BILLING_ACCOUNT_TYPES_SUPPORTED",
    "Tags": "TAGGING_SUPPORTED",
    "Allocated": "DATA_GENERATOR_SPLIT_COST_ALLOCATION_SUPPORTED",
    "Invoice": "INVOICES_SUPPORTED",
    "ContractCommitmentPaymentUpfrontPercentage": "PARTIAL_UPFRONT_SUPPORTED",
}


def criteria_of(column: FocusColumn) -> tuple[str, ...]:
    """What must hold of a vendor before a conditional column is asked of it: the longest beginning that is known."""
    if column.level != "C":
        return ()
    known = [start for start in CRITERION_OF if column.name.startswith(start)]
    return (CRITERION_OF[max(known, key=len)],) if known else ()


def rules_of_columns(version: FocusVersion, dataset: Dataset, columns: Mapping[str, FocusColumn]) -> Iterator[Rule]:
    """The rules that the table itself says, column by column."""
    del version
    for column in columns.values():
        yield from _rules_of(column, dataset)


def _rules_of(column: FocusColumn, dataset: Dataset) -> Iterator[Rule]:
    criteria, name = criteria_of(column), column.name
    prefix = {"cost_and_usage": "CAU", "contract_commitment": "CCT", "billing_period": "BPD", "invoice_detail": "INV"}[
        dataset
    ]

    def rule(function: str, keyword: str, check: Check) -> Rule:
        return Rule(f"{prefix}-{name}-{function}", name, "Column", function, keyword, check, criteria=criteria)

    yield rule("Presence", PRESENCE[column.level], ["ColumnPresent", name])
    yield rule("Type", "MUST", [TYPES[column.type], name])
    function = next((check for start, check in FORMATS if column.format.startswith(start)), None)
    if function is not None:
        yield rule("Format", "SHOULD" if "recommended" in column.format else "MUST", [function, name])
    elif column.type == "String":
        yield rule("Format", "SHOULD", ["FormatString", name])
    if not column.nulls:
        yield rule("Nullability", "MUST NOT", ["CheckNotValue", name, None])
    if column.values and not column.values[0].startswith("("):
        yield rule("Validation", "MUST", ["OR", *(["CheckValue", name, value] for value in column.values)])
    if column.format.endswith("(non-negative)"):
        yield rule("Range", "MUST", ["CheckGreaterOrEqualThanValue", name, 0])
