"""Deliveries that keep every rule of FOCUS and exercise each: a small company's month, written for the version that is asked.

Costs follow from prices: what a rule multiplies or adds up comes out to the cent. Tests break them one field at a time.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

Row = dict[str, Any]
MONTH, NEXT = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
HOURS = [f"2026-01-{day:02d}T{hour:02d}:00:00Z" for day in (5, 6) for hour in range(4)]
ENDS = [f"2026-01-{day:02d}T{hour + 1:02d}:00:00Z" for day in (5, 6) for hour in range(4)]
VENDOR = "Nimbus Cloud"
RESERVED, SAVING = "arn:nimbus:reservation/r-11aa22bb", "arn:nimbus:savings/s-33cc44dd"
CAPACITY = "arn:nimbus:capacity/cr-77889900"
UNITS = {"core": ("SKU-CORE", "0.12", "Hours", "Core hours"), "disk": ("SKU-DISK", "0.0004", "GB-Hours", "Disk")}


def charge(**given: Any) -> Row:
    """One charge: standard usage of a machine for an hour, with what is given on top."""
    row: Row = {
        "AvailabilityZone": "eu-west-1a", "BilledCost": "0.48", "BillingAccountId": "1234-5678-9012",
        "BillingAccountName": "Northwind", "BillingAccountType": "Organisation", "BillingCurrency": "USD",
        "BillingPeriodEnd": NEXT, "BillingPeriodStart": MONTH, "CapacityReservationId": None,
        "CapacityReservationStatus": None, "ChargeCategory": "Usage", "ChargeClass": None,
        "ChargeDescription": "Four cores for an hour", "ChargeFrequency": "Usage-Based", "ChargePeriodEnd": ENDS[0],
        "ChargePeriodStart": HOURS[0], "CommitmentDiscountCategory": None, "CommitmentDiscountId": None,
        "CommitmentDiscountName": None, "CommitmentDiscountQuantity": None, "CommitmentDiscountStatus": None,
        "CommitmentDiscountType": None, "CommitmentDiscountUnit": None, "ConsumedQuantity": "4", "ConsumedUnit": "Hours",
        "ContractedCost": "0.48", "ContractedUnitPrice": "0.12", "EffectiveCost": "0.48", "InvoiceId": "INV-2026-01",
        "InvoiceIssuerName": VENDOR, "ListCost": "0.60", "ListUnitPrice": "0.15", "PricingCategory": "Standard",
        "PricingCurrency": "USD", "PricingCurrencyContractedUnitPrice": "0.12", "PricingCurrencyEffectiveCost": "0.48",
        "PricingCurrencyListUnitPrice": "0.15", "PricingQuantity": "4", "PricingUnit": "Hours", "ProviderName": VENDOR,
        "PublisherName": VENDOR, "RegionId": "eu-west-1", "RegionName": "Dublin",
        "ResourceId": "arn:nimbus:vm/vm-0001", "ResourceName": "shop", "ResourceType": "Virtual Machine",
        "ServiceCategory": "Compute", "ServiceName": "Nimbus Machines", "ServiceSubcategory": "Virtual Machines",
        "SkuId": "SKU-CORE", "SkuMeter": "Core hours", "SkuPriceDetails": '{"CoreCount":4,"InstanceType":"n4","x_Tier":"a"}',
        "SkuPriceId": "SKU-CORE.P1", "SubAccountId": "acct-000001", "SubAccountName": "Shop", "SubAccountType": "Project",
        "Tags": '{"team":"shop","pinned":true,"acme/stack":"blue"}',
        "x_Note": "kept", "x_ListRate": "0.15", "x_SeenDate": "2026-01-06T00:00:00Z", "x_PaidCurrency": "USD",
    }  # fmt: skip
    unknown = set(given) - set(row) - set(NEW_IN_1_3)
    assert not unknown, unknown
    return row | dict.fromkeys(NEW_IN_1_3) | given


NEW_IN_1_3 = (
    "AllocatedMethodDetails", "AllocatedMethodId", "AllocatedResourceId", "AllocatedResourceName", "AllocatedTags",
    "ContractApplied", "HostProviderName", "ServiceProviderName",
)  # fmt: skip
NO_PRICE = dict.fromkeys(
    ("ContractedUnitPrice", "ListUnitPrice", "PricingQuantity", "PricingUnit", "PricingCategory", "ConsumedQuantity",
     "ConsumedUnit", "PricingCurrencyContractedUnitPrice", "PricingCurrencyListUnitPrice", "SkuId", "SkuPriceId", "SkuMeter",
     "SkuPriceDetails")
)  # fmt: skip
NO_RESOURCE = dict.fromkeys(("ResourceId", "ResourceName", "ResourceType", "AvailabilityZone", "Tags"))


def flat(amount: str) -> Row:
    """All four costs, and the one in the pricing currency, alike."""
    names = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "PricingCurrencyEffectiveCost")
    return dict.fromkeys(names, amount)


def usage() -> Iterator[Row]:
    """Machines and disks over a few hours; one renamed, one without a display name of its own."""
    for n, (start, end) in enumerate(zip(HOURS, ENDS, strict=True)):
        yield charge(ChargePeriodStart=start, ChargePeriodEnd=end)
        disk = Decimal("0.0004") * 250
        yield charge(
            ChargePeriodStart=start, ChargePeriodEnd=end, ResourceId="arn:nimbus:disk/d-0009", ResourceType="Disk",
            ResourceName="data" if n < 4 else "archive", SkuId="SKU-DISK", SkuPriceId="SKU-DISK.P1", SkuMeter="Disk",
            ServiceName="Nimbus Disks", ServiceCategory="Storage", ServiceSubcategory="Block Storage", PricingUnit="GB-Hours",
            PricingQuantity="250", ConsumedQuantity="250", ConsumedUnit="GB-Hours", ContractedUnitPrice="0.0004",
            ListUnitPrice="0.0004", PricingCurrencyContractedUnitPrice="0.0004", PricingCurrencyListUnitPrice="0.0004",
            SkuPriceDetails='{"DiskSpace":250,"DiskType":"SSD"}', **flat(str(disk)),
        )  # fmt: skip
    spot = {"ContractedUnitPrice": "0.05", "PricingCurrencyContractedUnitPrice": "0.05", "ContractedCost": "0.20"}
    paid = {"BilledCost": "0.20", "EffectiveCost": "0.20", "PricingCurrencyEffectiveCost": "0.20"}
    own = {
        "SkuPriceId": "SKU-CORE.SPOT",
        "SkuMeter": "Core hours",
        "ResourceId": "arn:nimbus:vm/vm-0007",
        "ResourceName": "night",
    }
    yield charge(PricingCategory="Dynamic", ChargeDescription="Spot machine", **spot, **paid, **own)
    other = {"SkuPriceId": "SKU-CORE.OTHER", "ResourceId": "arn:nimbus:vm/vm-0008", "ResourceName": "trial"}
    yield charge(PricingCategory="Other", ChargeDescription="Bring your own licence", **other)
    yield charge(
        ServiceCategory="Other", ServiceSubcategory="Other (Other)", ServiceName="Nimbus Oddments", ResourceId=None,
        ResourceName=None, ResourceType=None, AvailabilityZone=None, RegionId=None, RegionName=None, Tags=None,
        SubAccountId=None, SubAccountName=None, SubAccountType=None, ChargeDescription="Support call",
        SkuId="SKU-CALL", SkuPriceId="SKU-CALL.P1", SkuMeter="Calls", PricingUnit="Calls", ConsumedUnit="Calls",
        SkuPriceDetails=None,
    )  # fmt: skip


def other_currencies() -> Iterator[Row]:
    """Prices in euro, and in credits of the vendor."""
    euro = {"PricingCurrencyContractedUnitPrice": "0.10", "PricingCurrencyListUnitPrice": "0.125"}
    yield charge(
        PricingCurrency="EUR", PricingCurrencyEffectiveCost="0.40", **euro, SkuPriceId="SKU-CORE.EU",
        ResourceId="arn:nimbus:vm/vm-0005", ResourceName="euro",
    )  # fmt: skip
    virtual = {"PricingCurrencyContractedUnitPrice": "12", "PricingCurrencyListUnitPrice": "15"}
    yield charge(
        PricingCurrency="credits", PricingCurrencyEffectiveCost="48", **virtual, SkuPriceId="SKU-CORE.CR",
        ResourceId="arn:nimbus:vm/vm-0006", ResourceName="credit",
    )  # fmt: skip


def commitments() -> Iterator[Row]:
    """A reservation paid at once for eight hours, used in six and unused in two; a savings plan paid by the hour."""
    held = {
        "CommitmentDiscountId": RESERVED, "CommitmentDiscountName": "Reserved cores", "CommitmentDiscountCategory": "Usage",
        "CommitmentDiscountType": "Reservation", "CommitmentDiscountUnit": "Hours",
    }  # fmt: skip
    no_price = {"ListUnitPrice": "0.40", "PricingCurrencyListUnitPrice": "0.40", "ContractedUnitPrice": "0.40"}
    yield charge(
        ChargeCategory="Purchase", ChargeFrequency="One-Time", ChargePeriodStart=HOURS[0], ChargePeriodEnd=ENDS[-1],
        ChargeDescription="Reserved cores, paid ahead", CommitmentDiscountQuantity="8", ResourceId=RESERVED,
        ResourceName="Reserved cores", ResourceType="Reservation", SkuId="SKU-RES", SkuPriceId="SKU-RES.P1",
        SkuMeter="Reservation", SkuPriceDetails=None, PricingQuantity="8", PricingUnit="Hours", ConsumedQuantity=None,
        ConsumedUnit=None,
        PricingCurrencyContractedUnitPrice="0.40", BilledCost="3.20", ContractedCost="3.20", ListCost="3.20",
        EffectiveCost="0", PricingCurrencyEffectiveCost="0", AvailabilityZone=None, Tags=None, **no_price, **held,
    )  # fmt: skip
    for n, (start, end) in enumerate(zip(HOURS, ENDS, strict=True)):
        used = n < 6
        resource = (
            ("arn:nimbus:vm/vm-0002", "till", "Virtual Machine")
            if used
            else (RESERVED, "Reserved cores", "Reservation")
        )
        yield charge(
            ChargePeriodStart=start, ChargePeriodEnd=end, BilledCost="0", EffectiveCost="0.40", ContractedCost="0.48",
            PricingCurrencyEffectiveCost="0.40", PricingCategory="Committed",
            CommitmentDiscountStatus="Used" if used else "Unused",
            CommitmentDiscountQuantity="1", ResourceId=resource[0], ResourceName=resource[1], ResourceType=resource[2],
            SkuPriceId="SKU-CORE.RES", ConsumedQuantity="4" if used else None, ConsumedUnit="Hours" if used else None,
            ChargeDescription="Under a reservation", Tags='{"team":"till"}' if used else None,
            AvailabilityZone="eu-west-1a" if used else None, **held,
        )  # fmt: skip
    yield from savings_plan()


def savings_plan() -> Iterator[Row]:
    """Each hour buys 0.50 of usage; 0.30 is used, 0.20 is not."""
    held = {
        "CommitmentDiscountId": SAVING, "CommitmentDiscountName": "Savings", "CommitmentDiscountCategory": "Spend",
        "CommitmentDiscountType": "Savings Plan", "CommitmentDiscountUnit": "USD",
    }  # fmt: skip
    mine = {
        "ResourceId": SAVING,
        "ResourceName": "Savings",
        "ResourceType": "Savings Plan",
        "AvailabilityZone": None,
        "Tags": None,
    }
    for start, end in list(zip(HOURS, ENDS, strict=True))[:2]:
        when = {"ChargePeriodStart": start, "ChargePeriodEnd": end}
        yield charge(
            ChargeCategory="Purchase", ChargeFrequency="Recurring", CommitmentDiscountQuantity="0.50", SkuId="SKU-SP",
            SkuPriceId="SKU-SP.P1", SkuMeter="Savings", SkuPriceDetails=None, PricingQuantity="1", PricingUnit="Hours",
            ConsumedQuantity=None, ConsumedUnit=None, ListUnitPrice="0.50", ContractedUnitPrice="0.50",
            PricingCurrencyListUnitPrice="0.50", PricingCurrencyContractedUnitPrice="0.50", BilledCost="0.50",
            ContractedCost="0.50", ListCost="0.50", EffectiveCost="0", PricingCurrencyEffectiveCost="0",
            ChargeDescription="Savings plan, by the hour", **when, **held, **mine,
        )  # fmt: skip
        for status, cost in (("Used", "0.30"), ("Unused", "0.20")):
            used = status == "Used"
            target = {} if not used else {"ResourceId": "arn:nimbus:vm/vm-0003", "ResourceName": "desk"}
            yield charge(**(
                {**when, **held, "BilledCost": "0", "EffectiveCost": cost, "PricingCurrencyEffectiveCost": cost}
                | {"PricingCategory": "Committed", "CommitmentDiscountStatus": status, "CommitmentDiscountQuantity": cost}
                | {"SkuPriceId": "SKU-CORE.SP", "ChargeDescription": "Under a savings plan"}
                | ({} if used else {**mine, "ConsumedQuantity": None, "ConsumedUnit": None}) | target
            ))  # fmt: skip


def beside_usage() -> Iterator[Row]:
    """Taxes, credits, adjustments, corrections, and a capacity reservation."""
    yield charge(
        ChargeCategory="Tax", ChargeDescription="VAT", ChargeFrequency="Recurring", SubAccountId=None, SubAccountName=None,
        SubAccountType=None, ChargePeriodStart=MONTH, ChargePeriodEnd=NEXT, **NO_PRICE, **NO_RESOURCE, **flat("1.10"),
    )  # fmt: skip
    yield charge(
        ChargeCategory="Credit", ChargeDescription="Promotional credit", ChargeFrequency="One-Time", ChargePeriodStart=MONTH,
        ChargePeriodEnd=NEXT, **NO_PRICE, **NO_RESOURCE, **flat("-0.75"),
    )  # fmt: skip
    yield charge(
        ChargeCategory="Adjustment", ChargeDescription="Rounding", ChargeFrequency="One-Time", ChargePeriodStart=MONTH,
        ChargePeriodEnd=NEXT, **NO_PRICE, **NO_RESOURCE, **flat("0.01"),
    )  # fmt: skip
    before = {"ChargePeriodStart": "2025-12-05T00:00:00Z", "ChargePeriodEnd": "2025-12-05T01:00:00Z"}
    yield charge(
        ChargeClass="Correction", ChargeDescription="Corrected usage of December", **before, **flat("-0.36"),
        ResourceId="arn:nimbus:vm/vm-0001", PricingQuantity="-3", ConsumedQuantity="-3", ContractedUnitPrice="0.12",
        ListUnitPrice="0.12", PricingCurrencyListUnitPrice="0.12",
    )  # fmt: skip
    for status, resource, name in (("Used", "arn:nimbus:vm/vm-0004", "queue"), ("Unused", CAPACITY, "Reserved room")):
        kind = "Virtual Machine" if status == "Used" else "Capacity Reservation"
        yield charge(
            CapacityReservationId=CAPACITY, CapacityReservationStatus=status, ResourceId=resource, ResourceName=name,
            ResourceType=kind, SkuPriceId="SKU-CORE.CAP", ChargeDescription="Room that is held",
        )  # fmt: skip


def only_1_3() -> Iterator[Row]:
    """A cluster's charge split among three: two allocated parts and the rest; a charge under a contract."""
    parts = (("0.5", "pod/shop", "shop"), ("0.3", "pod/till", "till"), ("0.2", None, None))
    for ratio, pod, name in parts:
        share, quantity = Decimal(ratio), str(Decimal(ratio) * 10)
        details = {
            "Elements": [{"AllocatedRatio": float(ratio), "UsageUnit": "Hours", "UsageQuantity": float(quantity)}]
        }
        yield charge(
            AllocatedMethodId="cpu-share", AllocatedMethodDetails=json.dumps(details), AllocatedResourceId=pod,
            AllocatedResourceName=name, AllocatedTags=json.dumps({"app": name, "critical": True}) if pod else None,
            ResourceId="arn:nimbus:cluster/c-0001", ResourceName="cluster", ResourceType="Cluster",
            ChargeDescription="Cluster, split" if pod else "Cluster, unallocated", SkuPriceId="SKU-CORE.K8S",
            BilledCost=str(share * 12), ContractedCost=str(share * 12), EffectiveCost=str(share * 12), ListCost=str(share * 15),
            PricingCurrencyEffectiveCost=str(share * 12), PricingQuantity=str(share * 100), ConsumedQuantity=str(share * 100),
        )  # fmt: skip
    element = {
        "ContractId": "contract-2026-001", "ContractCommitmentID": "commitment-2026-01", "ContractCommitmentAppliedCost": 0.48,
        "ContractCommitmentAppliedQuantity": 4, "ContractCommitmentAppliedUnit": "Hours", "x_Note": "spring",
    }  # fmt: skip
    spent = element | {"ContractCommitmentAppliedQuantity": None, "ContractCommitmentAppliedUnit": None}
    counted = element | {"ContractCommitmentAppliedCost": None}
    for n, applied in enumerate((element, spent, counted)):
        yield charge(
            ContractApplied=json.dumps({"Elements": [applied]}), ResourceId=f"arn:nimbus:vm/vm-002{n}", ResourceName="contract",
            SkuPriceId="SKU-CORE.CT", HostProviderName="Granite Hosting",
        )  # fmt: skip
    bought = element | {"ContractCommitmentID": "commitment-2026-01"}
    yield charge(
        ChargeCategory="Purchase", ChargeFrequency="One-Time", ContractApplied=json.dumps({"Elements": [bought]}),
        ResourceId="commitment-2026-01", ResourceName="Contract", ResourceType="Contract", ConsumedQuantity=None,
        ConsumedUnit=None, SkuPriceId="SKU-CT.P1", SkuId="SKU-CT", SkuMeter="Contract", SkuPriceDetails=None,
        AvailabilityZone=None, Tags=None,
    )  # fmt: skip


def cost_and_usage(version: str) -> list[Row]:
    """The month in the columns of `version`, FOCUS columns first."""
    rows = [*usage(), *other_currencies(), *commitments(), *beside_usage()]
    if version in {"1.3", "1.4"}:
        rows += only_1_3()
        applied = json.dumps({"Elements": [{
            "ContractId": "contract-2026-001", "ContractCommitmentID": "commitment-2026-01",
            "ContractCommitmentAppliedCost": 0.1, "ContractCommitmentAppliedQuantity": 1,
            "ContractCommitmentAppliedUnit": "Hours",
        }]})  # fmt: skip
        for row in rows:
            row["ServiceProviderName"] = VENDOR
            row["HostProviderName"] = row["HostProviderName"] or VENDOR
            if row["CommitmentDiscountId"] and row["ChargeCategory"] == "Usage":
                row["ContractApplied"] = applied
    keep = [name for name in rows[0] if version in {"1.3", "1.4"} or name not in NEW_IN_1_3]
    order = sorted(name for name in keep if not name.startswith("x_")) + [
        name for name in keep if name.startswith("x_")
    ]
    return [{name: row[name] for name in order} for row in rows]


def invoice_detail(rows: Sequence[Row]) -> list[Row]:
    """The invoice of these charges."""
    total = sum((Decimal(row["BilledCost"]) for row in rows), Decimal(0))
    return [
        {"InvoiceId": "INV-2026-01", "InvoiceIssuerName": VENDOR, "BillingCurrency": "USD", "BilledCost": str(total)}
    ]


def price_list(rows: Sequence[Row]) -> list[Row]:
    """The list prices of these charges."""
    found = {
        (row["SkuPriceId"], row["ListUnitPrice"], row["PricingUnit"]): None
        for row in rows
        if row["SkuPriceId"] is not None
    }
    return [{"SkuPriceId": sku, "ListUnitPrice": price, "PricingUnit": unit} for sku, price, unit in found]


def contract_commitment() -> list[Row]:
    """Two commitments of one contract, in the columns of FOCUS 1.3."""
    period = {"ContractPeriodStart": "2026-01-01T00:00:00Z", "ContractPeriodEnd": "2029-01-01T00:00:00Z"}
    term = {
        "ContractCommitmentPeriodStart": "2026-01-01T00:00:00Z",
        "ContractCommitmentPeriodEnd": "2027-01-01T00:00:00Z",
    }
    spend = {
        "ContractCommitmentCategory": "Spend",
        "ContractCommitmentCost": "120000",
        "ContractCommitmentQuantity": None,
    }
    use = {"ContractCommitmentCategory": "Usage", "ContractCommitmentCost": "500", "ContractCommitmentQuantity": "8760"}
    made = []
    for n, kind in enumerate((spend, use), 1):
        made.append(
            {"BillingCurrency": "USD", "ContractCommitmentId": f"commitment-2026-0{n}", "ContractId": "contract-2026-001",
             "ContractCommitmentDescription": "Spend of the year", "ContractCommitmentType": "Enterprise Discount",
             "ContractCommitmentUnit": "Hours" if n == 2 else None, **kind, **period, **term}
        )  # fmt: skip
    return made


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """`rows` as a CSV file with the columns of the first; None is an empty field."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]), lineterminator="\n", extrasaction="ignore")
        out.writeheader()
        out.writerows(rows)
    return path


def _applied(contract: object, commitment: object, cost: object, quantity: object, unit: object, **more: object) -> str:
    element = {
        "ContractId": contract, "ContractCommitmentID": commitment, "ContractCommitmentAppliedCost": cost,
        "ContractCommitmentAppliedQuantity": quantity, "ContractCommitmentAppliedUnit": unit,
    }  # fmt: skip
    return json.dumps({"Elements": [element | more]})


_ANY = (None, "", " ", "N/A", "zzz")
_NUMBERS = (
    "-1", "0", "9000000", "1,5", "+7", "1e+3", "$5", "1/2", "2*3", "(4)", "1 x 10^3", "1-",
)  # fmt: skip
_TIMES = (
    "2026-01-05", "2026-01-05T3:0:0Z", "2026-01-05T03:00:00+02:00", "2026-01-31T23:59:59Z", "2026-01-05 03:00:00Z",
    "2026-03-01T00:00:00Z", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z",
)  # fmt: skip
_WORDS = (
    "ZZZ", "hours", "!!", "Used", "Unused", "Usage", "Purchase", "Tax", "Credit", "Committed", "Standard", "Correction",
    "Recurring", "One-Time", "\ufffd", "Storage", "Total credit of last month", "Correction of a fault", "Unallocated", "spot",
    "nimbus  cloud", "Other", "arn:nimbus:vm/vm-0001",
)  # fmt: skip
_OBJECTS = (
    "[1]", '{"a":{"b":1}}', '{"a":1,"a":2}', '{"team":""}', '{"team":null}', '{"team":"shop"}', '{"corecount":4}',
    '{"CoreCount":"four"}', '{"CoreCount":8,"InstanceType":"n4"}', '{"x_CoreCount":4}', '{"Colour":1}', '{"lower":1}',
    '{"Elements":[1,"a",1,null]}', '{"Elements":[null,null]}', '{"Elements":{}}', '{"Elements":[{"y":[1]}]}', '{"Elements":[{}]}',
    '{"a":{"b":{"c":{"d":{"e":1}}}}}', '{"Elements":[{"AllocatedRatio":"half","UsageUnit":5,"UsageQuantity":"x"}]}',
    '{"Elements":[{"allocatedratio":1,"AllocatedRatio":0.4,"UsageUnit":"!!"}]}',
    '{"Elements":[{"AllocatedRatio":0.4,"UsageQuantity":3}]}',
    _applied(" ", " ", "x", "y", " "),
    _applied(5, 6, 1, 2, 7, contractID="c"),
    _applied(None, "c1", None, None, "Hours"),
    _applied("c1", None, 1, 2, None),
    _applied("contract-2026-002", "commitment-2026-01", 1, 2, "!!"),
    '{"Elements":[{"ContractId":"contract-2026-002"}]}',
)  # fmt: skip
_NUMERIC = ("Cost", "Price", "Quantity", "Rate")
_TEMPORAL = ("Start", "End", "Date")
_JSON = ("Tags", "Details", "ContractApplied")


def wrong_values(column: str) -> Sequence[str | None]:
    """What may stand in a field by mistake."""
    if column.endswith(_JSON):
        return (*_ANY, *_OBJECTS)
    if column.endswith(_NUMERIC):
        return (*_ANY, *_NUMBERS)
    return (*_ANY, *(_TIMES if column.endswith(_TEMPORAL) else _WORDS))


def spoilt(rows: Sequence[Row]) -> list[Row]:
    """One row of each kind, with every wrong value in every field, one at a time."""
    kinds = {
        tuple((name, row.get(name)) for name in ("ChargeCategory", "ChargeFrequency", "ChargeClass", "PricingCategory"))
        + tuple(sorted(name for name in row if row[name] is None)): row
        for row in rows
    }
    return [
        {**row, name: wrong}
        for row in kinds.values()
        for name in row
        for wrong in wrong_values(name)
        if row[name] != wrong
    ]
