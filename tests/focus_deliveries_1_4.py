"""Good deliveries of the four datasets of FOCUS 1.4: the month of `focus_deliveries` as 1.4 writes it, and what belongs to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from tests.focus_deliveries import MONTH, NEXT, VENDOR, Row, contract_commitment, cost_and_usage

ISSUED = "2026-02-03T00:00:00Z"
LOST = ("ProviderName", "PublisherName")


def cost_and_usage_1_4() -> list[Row]:
    """Every charge on a line of the invoice; contracts applied by cost or by quantity; every currency of ISO 4217."""
    rows = []
    for row in cost_and_usage("1.4"):
        made = {name: value for name, value in row.items() if name not in LOST}
        if made["PricingCurrency"] == "credits":
            continue
        if made["ContractApplied"]:
            made["ContractApplied"] = _applied(made["ContractApplied"])
        made["InvoiceDetailId"] = f"INV-2026-01/{made['ChargeCategory']}"
        made["CommitmentProgramEligibilityDetails"] = '{"CommitmentPrograms":[{"ProgramType":"Reservation"}]}'
        order = sorted(n for n in made if not n.startswith("x_")) + [n for n in made if n.startswith("x_")]
        rows.append({name: made[name] for name in order})
    return rows


def _applied(text: str) -> str:
    element = json.loads(text)["Elements"][0]
    made = {"ContractId": element["ContractId"], "ContractCommitmentId": element["ContractCommitmentID"]}
    if element["ContractCommitmentAppliedQuantity"] is None:
        made["ContractCommitmentAppliedCost"] = element["ContractCommitmentAppliedCost"]
    else:
        made["ContractCommitmentAppliedQuantity"] = element["ContractCommitmentAppliedQuantity"]
        made["ContractCommitmentAppliedUnit"] = element["ContractCommitmentAppliedUnit"]
    return json.dumps({"Elements": [made | ({"x_Note": "spring"} if "x_Note" in element else {})]})


def invoice_detail_1_4(rows: Sequence[Row]) -> list[Row]:
    """One line for each category of charge."""
    made = []
    for category in sorted({row["ChargeCategory"] for row in rows}):
        total = sum((Decimal(row["BilledCost"]) for row in rows if row["ChargeCategory"] == category), Decimal(0))
        made.append({
            "BilledCost": str(total), "BillingAccountId": "1234-5678-9012", "BillingCurrency": "USD", "BillingPeriodEnd": NEXT,
            "BillingPeriodStart": MONTH, "ChargeCategory": category, "InvoiceDetailCreated": ISSUED,
            "InvoiceDetailDescription": f"{category} of January", "InvoiceDetailGrain": '{"ChargeCategory":"' + category + '"}',
            "InvoiceDetailId": f"INV-2026-01/{category}", "InvoiceDetailLastUpdated": ISSUED, "InvoiceId": "INV-2026-01",
            "InvoiceIssueDate": ISSUED, "InvoiceIssueStatus": "Issued", "InvoiceIssuerName": VENDOR, "PaymentCurrency": "EUR",
            "PaymentCurrencyBilledCost": str(total), "PaymentCurrencyInvoiceDetailId": f"INV-2026-01/{category}",
            "PaymentDueDate": "2026-03-03T00:00:00Z", "PaymentTerms": "Net 30", "PurchaseOrderNumber": "PO-1",
            "ReferenceInvoiceId": "INV-2026-01",
        })  # fmt: skip
    return made


def billing_period() -> list[Row]:
    """December closed, January closed, February open."""
    starts = ("2025-12-01T00:00:00Z", MONTH, NEXT, "2026-03-01T00:00:00Z")
    return [
        {"BillingPeriodCreated": start, "BillingPeriodEnd": end,
         "BillingPeriodLastUpdated": start if status == "Open" else ISSUED,
         "BillingPeriodStart": start, "BillingPeriodStatus": status, "InvoiceIssuerName": VENDOR}
        for start, end, status in zip(starts, starts[1:], ("Closed", "Closed", "Open"), strict=False)
    ]  # fmt: skip


def contract_commitment_1_4() -> list[Row]:
    """The two commitments of 1.3 with what 1.4 adds."""
    more = {
        "ContractCommitmentApplicability": '{"InclusionOperator":"And","Inclusions":[{"Dimension":"ServiceName","Operator":"In",'
        '"Values":["Nimbus Machines"]}]}',
        "ContractCommitmentBenefitCategory": "Discount", "ContractCommitmentCreated": MONTH,
        "ContractCommitmentDiscountPercentage": "0.2", "ContractCommitmentDurationType": "P1Y",
        "ContractCommitmentFulfillmentInterval": "Annual", "ContractCommitmentLastUpdated": ISSUED,
        "ContractCommitmentLifecycleStatus": "Active", "ContractCommitmentModel": "Continuous",
        "ContractCommitmentOfferCategory": "Negotiated", "ContractCommitmentPaymentInterval": "Monthly",
        "ContractCommitmentPaymentModel": "Partial Upfront", "ContractCommitmentPaymentUpfrontPercentage": "0.5",
        "InvoiceIssuerName": VENDOR, "PricingCurrency": "EUR", "PricingCurrencyContractCommitmentCost": "100",
        "ServiceProviderName": VENDOR,
    }  # fmt: skip
    availability = {"ContractCommitmentBenefitCategory": "Availability", "ContractCommitmentDiscountPercentage": None}
    made = [row | more for row in contract_commitment()]
    return [made[0], made[1] | availability]
