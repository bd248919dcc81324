"""Applicability: what a vendor supports, read from the data that it delivers, or declared by the person who knows.

A criterion that no row shows is taken as not met; the rule behind it ends as not applicable and says which criterion, so that a
declaration can overrule it. Source of the names: ApplicabilityCriteria of the requirements models 1.2 and 1.3; the last are ours.
"""

from __future__ import annotations

from typing import Final

from fiscus.cost.conformance.currencies import ISO_4217
from fiscus.cost.conformance.readings import among

_IS_CURRENCY: Final = among("PricingCurrency", sorted(ISO_4217))

EVIDENCE: Final = {
    "ACCOUNT_NAMING_SUPPORTED": "BillingAccountName IS NOT NULL",
    "AVAILABILITY_ZONE_SUPPORTED": "AvailabilityZone IS NOT NULL",
    "CAPACITY_RESERVATION_SUPPORTED": "CapacityReservationId IS NOT NULL OR CapacityReservationStatus IS NOT NULL",
    "COMMITMENT_DISCOUNT_SUPPORTED": "CommitmentDiscountId IS NOT NULL OR CommitmentDiscountCategory IS NOT NULL"
    " OR CommitmentDiscountStatus IS NOT NULL OR PricingCategory = 'Committed'",
    "CONTRACT_COMMITMENTS_SUPPORTED": "ContractApplied IS NOT NULL",
    "DATA_GENERATOR_SPLIT_COST_ALLOCATION_SUPPORTED": "AllocatedMethodId IS NOT NULL OR AllocatedResourceId IS NOT NULL"
    " OR AllocatedMethodDetails IS NOT NULL",
    "MULTIPLE_PRICING_CATEGORIES_SUPPORTED": "PricingCategory IS NOT NULL",
    "MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED": "SubAccountType IS NOT NULL",
    "MULTIPLE_BILLING_ACCOUNT_TYPES_SUPPORTED": "BillingAccountType IS NOT NULL",
    "NEGOTIATED_PRICING_SUPPORTED": "ContractedUnitPrice IS NOT NULL",
    "PUBLIC_PRICE_LIST_SUPPORTED": "ListUnitPrice IS NOT NULL OR SkuPriceId IS NOT NULL",
    "USAGE_MEASUREMENT_SUPPORTED": "ConsumedQuantity IS NOT NULL OR ConsumedUnit IS NOT NULL",
    "UNIT_PRICING_SUPPORTED": "ListUnitPrice IS NOT NULL OR ContractedUnitPrice IS NOT NULL OR SkuPriceId IS NOT NULL",
    "SUB_ACCOUNT_SUPPORTED": "SubAccountId IS NOT NULL OR SubAccountName IS NOT NULL",
    "BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED": "ResourceId IS NOT NULL OR ResourceName IS NOT NULL",
    "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED": "ResourceType IS NOT NULL",
    "PRICING_BILLING_CURRENCY_DIFFERENCES_SUPPORTED": "PricingCurrency IS DISTINCT FROM BillingCurrency AND PricingCurrency"
    " IS NOT NULL",
    "VIRTUAL_CURRENCY_SUPPORTED": f"PricingCurrency IS NOT NULL AND NOT ({_IS_CURRENCY})",
    "REGION_SUPPORTED": "RegionId IS NOT NULL OR RegionName IS NOT NULL",
    "TAGGING_SUPPORTED": "Tags IS NOT NULL",
    "COMMITMENT_PROGRAMS_SUPPORTED": "CommitmentProgramEligibilityDetails IS NOT NULL",
    "INVOICES_SUPPORTED": "InvoiceId IS NOT NULL",
    "PARTIAL_UPFRONT_SUPPORTED": "ContractCommitmentPaymentModel = 'Partial Upfront'",
    "PAYMENT_CURRENCY_DIFFERENCES_SUPPORTED": "PaymentCurrency IS NOT NULL AND PaymentCurrency <> BillingCurrency",
    "PURCHASE_ORDERS_SUPPORTED": "PurchaseOrderNumber IS NOT NULL",
}
"""Criterion -> a condition on a row; one such row shows that the vendor supports it."""
