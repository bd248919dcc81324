"""Believable FOCUS 1.2 bills for benchmarks, made by DuckDB: one CSV file a month, as a cloud vendor delivers them.

Costs are nearly all distinct (so that nothing compresses by accident), resources repeat over hours, tags repeat per resource.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb

MONTHS: Final = 12
RATES: Final = {
    "BilledCost": 137,
    "ContractedCost": 137,
    "EffectiveCost": 129,
    "ListCost": 141,
    "PricingCurrencyEffectiveCost": 129,
}

CHARGES: Final = """
WITH row AS (
    SELECT i, hash(i) AS h, hash(i * 7 + 1) AS h2, hash(i // 40) AS hr, TIMESTAMP '{start}' AS ms
    FROM range({first}, {last}) t(i)),
charge AS (
    SELECT *, ms + to_hours(CAST(h2 % 672 AS INTEGER)) AS cs, CAST(hr % 40 AS INTEGER) AS team,
        CAST(hr % 25 AS INTEGER) AS service,
        CAST(hr % {resources} AS INTEGER) AS resource, CAST(h % 100000007 AS DECIMAL(18,0)) AS amount
    FROM row)
SELECT
    'us-east-1' || chr(CAST(97 + h % 3 AS INTEGER)) AS AvailabilityZone,
    {costs},
    '123456789012' AS BillingAccountId, 'Northwind' AS BillingAccountName, 'Management' AS BillingAccountType,
    'USD' AS BillingCurrency,
    strftime(ms + INTERVAL 1 MONTH, '{iso}') AS BillingPeriodEnd, strftime(ms, '{iso}') AS BillingPeriodStart,
    'Usage' AS ChargeCategory, NULL AS ChargeClass,
    'Service ' || service || ' in US East (N. Virginia), per hour' AS ChargeDescription, 'Usage-Based' AS ChargeFrequency,
    strftime(cs + INTERVAL 1 HOUR, '{iso}') AS ChargePeriodEnd, strftime(cs, '{iso}') AS ChargePeriodStart,
    NULL AS CommitmentDiscountCategory, NULL AS CommitmentDiscountId, NULL AS CommitmentDiscountName,
    NULL AS CommitmentDiscountQuantity, NULL AS CommitmentDiscountStatus, NULL AS CommitmentDiscountType,
    NULL AS CommitmentDiscountUnit,
    CAST(h % 100003 AS DECIMAL(12,0)) * 0.001 AS ConsumedQuantity, 'Hours' AS ConsumedUnit, 0.0000412 AS ContractedUnitPrice,
    'INV-{start}' AS InvoiceId, 'Amazon Web Services, Inc.' AS InvoiceIssuerName, 0.0000451 AS ListUnitPrice,
    'Standard' AS PricingCategory, 'USD' AS PricingCurrency, 0.0000412 AS PricingCurrencyContractedUnitPrice,
    0.0000451 AS PricingCurrencyListUnitPrice, CAST(h % 100003 AS DECIMAL(12,0)) * 0.001 AS PricingQuantity,
    'Hours' AS PricingUnit, 'AWS' AS ProviderName, 'Amazon Web Services, Inc.' AS PublisherName,
    'us-east-1' AS RegionId, 'US East (N. Virginia)' AS RegionName,
    'arn:aws:ec2:us-east-1:' || team || ':instance/i-' || printf('%016x', resource) AS ResourceId,
    'node-' || resource AS ResourceName, 'instance' AS ResourceType, 'Compute' AS ServiceCategory,
    'Service ' || service AS ServiceName, 'Virtual Machines' AS ServiceSubcategory,
    'SKU' || h % 500 AS SkuId, 'Compute hours' AS SkuMeter, '{{"CoreCount":4,"InstanceType":"m5.xlarge"}}' AS SkuPriceDetails,
    'SKU' || h % 500 || '.P' AS SkuPriceId, 'acct-' || team AS SubAccountId, 'Team account ' || team AS SubAccountName,
    'Account' AS SubAccountType,
    CASE WHEN hr % 9 > 0 THEN '{{"team":"team-' || team || '","environment":"'
        || ['prod','staging','dev'][CAST(hr % 3 + 1 AS INTEGER)]
        || '","product":"prod-' || hr % 17 || '","cost-centre":"CC-' || team || '","resource":"' || resource || '"}}' END AS Tags
FROM charge"""


def write_bills(folder: Path, rows: int) -> list[Path]:
    """`rows` charges over twelve months of 2025 in `folder`, one CSV file a month."""
    folder.mkdir(parents=True, exist_ok=True)
    db = duckdb.connect()
    db.execute("SET TimeZone='UTC'; SET enable_progress_bar=false")
    files = []
    for month in range(MONTHS):
        first, last = rows * month // MONTHS, rows * (month + 1) // MONTHS
        start = f"2025-{month + 1:02d}-01"
        costs = ", ".join(f"CAST(amount * 0.0000000{rate} AS DECIMAL(18,10)) AS {name}" for name, rate in RATES.items())
        sql = CHARGES.format(
            start=start, first=first, last=last, iso="%Y-%m-%dT%H:%M:%SZ", costs=costs, resources=max(300, rows // 150)
        )
        files.append(folder / f"bill-{start[:7]}.csv")
        db.execute(f"COPY ({sql}) TO '{files[-1]}' (HEADER, DELIMITER ',')")
    db.close()
    return files
