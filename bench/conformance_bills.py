"""A FOCUS 1.2 bill of any size that keeps the rules: on-demand and reserved usage, purchases, taxes and credits, made by DuckDB.

Costs follow from prices and quantities; nearly all are distinct. One row in ten thousand has a fault: a unit price that does not
multiply, a category that is none, a missing region name, so that both sides have something to report.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import duckdb

ISO: Final = "%Y-%m-%dT%H:%M:%SZ"
COSTS: Final = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "PricingCurrencyEffectiveCost")
BILL: Final = """
WITH line AS (
    SELECT i, hash(i) AS h, hash(hash(i // 40) % {resources}) AS hr,
        hash(i // 40) % {resources} AS resource,
        TIMESTAMP '2026-01-01' + to_hours(CAST(hash(i * 7 + 1) % 720 AS INTEGER)) AS began,
        CASE WHEN i % 200 = 7 THEN 'Tax' WHEN i % 200 = 9 THEN 'Credit' WHEN i % 200 = 15 THEN 'Adjustment'
            WHEN i % 5000 = 11 THEN 'Purchase' ELSE 'Usage' END AS kind,
        i % 20 = 4 AS reserved, i % 200 = 44 AS left_over, i % 1000 = 21 AS held, i % 1000 = 31 AS corrected,
        i % 1000 = 41 AS in_euro,
        i % 10000 = 5000 AS faulty
    FROM range({rows}) t(i)),
priced AS (
    SELECT *, kind = 'Usage' OR kind = 'Purchase' AS has_price, kind = 'Usage' AS used,
        CAST(0.0000412 + 0.0000001 * (hr % 500) AS DECIMAL(18,7)) AS price,
        CAST(0.001 * (1 + h % 100003) AS DECIMAL(18,3)) AS quantity,
        'arn:nimbus:reservation/' || CASE WHEN kind = 'Purchase' THEN 'new-' ELSE 'r-' END || printf('%08x', hr % 64)
            AS commitment,
        'arn:nimbus:capacity/c-' || printf('%08x', hr % 64) AS room, hr % 500 AS sku, hr % 25 AS service,
        CAST(hr % 40 AS INTEGER) AS team
    FROM line),
charged AS (
    SELECT *, CAST(price * quantity AS DECIMAL(28,10)) AS cost, CAST(price * 2 * quantity AS DECIMAL(28,10)) AS list FROM priced)
SELECT
    CASE WHEN used THEN 'eu-west-1' || chr(CAST(97 + hr % 3 AS INTEGER)) END AS AvailabilityZone,
    CAST(CASE WHEN reserved THEN 0 WHEN kind = 'Credit' THEN -cost ELSE cost END AS DECIMAL(28,10)) AS BilledCost,
    '1234-5678-9012' AS BillingAccountId, 'Northwind' AS BillingAccountName, 'Organisation' AS BillingAccountType,
    'USD' AS BillingCurrency, TIMESTAMP '2026-02-01' AS BillingPeriodEnd, TIMESTAMP '2026-01-01' AS BillingPeriodStart,
    CASE WHEN held THEN room END AS CapacityReservationId, CASE WHEN held THEN 'Used' END AS CapacityReservationStatus,
    CASE WHEN faulty THEN 'Usages' ELSE kind END AS ChargeCategory, CASE WHEN corrected THEN 'Correction' END AS ChargeClass,
    'Service ' || service || ' in Dublin, per hour' AS ChargeDescription,
    CASE WHEN used THEN 'Usage-Based' ELSE 'One-Time' END AS ChargeFrequency, began + INTERVAL 1 HOUR AS ChargePeriodEnd,
    began AS ChargePeriodStart, CASE WHEN reserved OR kind = 'Purchase' THEN 'Usage' END AS CommitmentDiscountCategory,
    CASE WHEN reserved OR kind = 'Purchase' THEN commitment END AS CommitmentDiscountId,
    CASE WHEN reserved OR kind = 'Purchase' THEN 'Reserved' END AS CommitmentDiscountName,
    CASE WHEN reserved OR kind = 'Purchase' THEN quantity END AS CommitmentDiscountQuantity,
    CASE WHEN left_over THEN 'Unused' WHEN reserved THEN 'Used' END AS CommitmentDiscountStatus,
    CASE WHEN reserved OR kind = 'Purchase' THEN 'Reservation' END AS CommitmentDiscountType,
    CASE WHEN reserved OR kind = 'Purchase' THEN 'Hours' END AS CommitmentDiscountUnit,
    CASE WHEN used AND NOT left_over THEN quantity END AS ConsumedQuantity,
    CASE WHEN used AND NOT left_over THEN 'Hours' END AS ConsumedUnit,
    CAST(CASE WHEN kind = 'Credit' THEN -cost ELSE cost END AS DECIMAL(28,10)) AS ContractedCost,
    CASE WHEN has_price THEN CASE WHEN faulty THEN price * 3 ELSE price END END AS ContractedUnitPrice,
    CAST(CASE WHEN kind = 'Credit' THEN -cost WHEN kind = 'Purchase' THEN 0 ELSE cost END AS DECIMAL(28,10)) AS EffectiveCost,
    'INV-2026-01' AS InvoiceId, 'Nimbus Cloud' AS InvoiceIssuerName,
    CAST(CASE WHEN kind = 'Credit' THEN -cost
        WHEN kind IN ('Tax', 'Adjustment') THEN cost ELSE list END AS DECIMAL(28,10)) AS ListCost,
    CASE WHEN has_price THEN CAST(price * 2 AS DECIMAL(18,7)) END AS ListUnitPrice,
    CASE WHEN reserved THEN 'Committed' WHEN has_price THEN 'Standard' END AS PricingCategory,
    CASE WHEN in_euro THEN 'EUR' ELSE 'USD' END AS PricingCurrency,
    CASE WHEN has_price THEN price END AS PricingCurrencyContractedUnitPrice,
    CAST(CASE WHEN kind = 'Credit' THEN -cost WHEN kind = 'Purchase' THEN 0 ELSE cost END AS DECIMAL(28,10))
        AS PricingCurrencyEffectiveCost,
    CASE WHEN has_price THEN CAST(price * 2 AS DECIMAL(18,7)) END AS PricingCurrencyListUnitPrice,
    CASE WHEN has_price THEN quantity END AS PricingQuantity, CASE WHEN has_price THEN 'Hours' END AS PricingUnit,
    'Nimbus Cloud' AS ProviderName, 'Nimbus Cloud' AS PublisherName, CASE WHEN has_price THEN 'eu-west-1' END AS RegionId,
    CASE WHEN has_price AND NOT faulty THEN 'Dublin' END AS RegionName,
    CASE WHEN left_over THEN commitment
        WHEN used THEN 'arn:nimbus:vm/' || printf('%016x', resource) WHEN kind = 'Purchase' THEN commitment END AS ResourceId,
    CASE WHEN left_over OR kind = 'Purchase' THEN 'Reserved' WHEN used THEN 'node-' || resource END AS ResourceName,
    CASE WHEN left_over OR kind = 'Purchase' THEN 'Reservation' WHEN used THEN 'Virtual Machine' END AS ResourceType,
    'Compute' AS ServiceCategory, 'Service ' || service AS ServiceName, 'Virtual Machines' AS ServiceSubcategory,
    CASE WHEN has_price THEN 'SKU' || sku END AS SkuId, CASE WHEN has_price THEN 'Compute hours' END AS SkuMeter,
    CASE WHEN has_price THEN '{{"CoreCount":4,"InstanceType":"m5.xlarge"}}' END AS SkuPriceDetails,
    CASE WHEN has_price THEN 'SKU' || sku || '.' || CASE WHEN reserved THEN 'R' ELSE 'P' END END AS SkuPriceId,
    'acct-0' || team AS SubAccountId, 'Team account ' || team AS SubAccountName, 'Account' AS SubAccountType,
    CASE WHEN used AND NOT left_over AND hr % 9 > 0
        THEN '{{"team":"team-' || team || '","environment":"'
        || ['prod', 'staging', 'dev'][CAST(hr % 3 + 1 AS INTEGER)] || '","cost-centre":"CC-' || team
        || '","resource":"' || resource
        || '"}}' END AS Tags
FROM charged"""


def write_bill(path: Path, rows: int, form: Literal["csv", "parquet"]) -> Path:
    """`rows` charges of January 2026 at `path`."""
    db = duckdb.connect()
    db.execute("SET TimeZone='UTC'; SET enable_progress_bar=false")
    select = BILL.format(rows=rows, resources=max(300, rows // 150))
    if form == "csv":
        times = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
        spelt = ", ".join(f"strftime({name}, '{ISO}') AS {name}" for name in times)
        select = f"SELECT * REPLACE ({spelt}) FROM ({select})"
        db.execute(f"COPY ({select}) TO '{path}' (HEADER, DELIMITER ',')")
    else:
        db.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    db.close()
    return path
