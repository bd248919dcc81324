-- What each thing cost a unit, month by month: one row a SKU, unit, region, currency, details and month of the charge period.
-- `contracted`: the quantity-weighted median of ContractedUnitPrice over on-demand charges, with its range: prices that were charged,
-- no division in them. The two totals behind an effective price are divided by whoever shows it. `volume`: quantity since `volume_since`.
WITH charged AS (
    SELECT
        coalesce(ServiceProviderName, '') AS provider, coalesce(ServiceName, '') AS service, coalesce(SkuId, '') AS sku,
        coalesce(SkuMeter, x_Extra['x_SkuMeterName'], '') AS meter, PricingUnit AS unit, coalesce(RegionId, '') AS region,
        coalesce(SkuPriceDetails, x_Extra['x_SkuDetails'], '') AS details, BillingCurrency AS currency,
        strftime(make_timestamp(epoch_us(ChargePeriodStart)), '%Y-%m') AS month, ChargePeriodStart AS begun,
        coalesce(PricingCategory, 'Standard') = 'Standard' AND CommitmentDiscountId IS NULL AS on_demand,
        ContractedUnitPrice AS contracted, ListUnitPrice AS listed, PricingQuantity AS quantity, EffectiveCost AS cost,
        CommitmentDiscountId IS NOT NULL AS by_commitment,
        coalesce(ChargeDescription, '') AS description
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
      AND ChargeCategory = 'Usage' AND ChargeClass IS NULL AND PricingQuantity > 0 AND PricingUnit IS NOT NULL
      AND coalesce(PricingCategory, 'Standard') <> 'Dynamic' AND coalesce(CommitmentDiscountStatus, 'Used') = 'Used'
      AND x_SourceId NOT LIKE 'gateway-%' AND ($region = '' OR coalesce(RegionId, '') = $region)
      AND ($sku = '' OR contains(lower(coalesce(SkuId, '')), $sku) OR contains(lower(coalesce(SkuMeter, '')), $sku)
        OR contains(lower(coalesce(ChargeDescription, '')), $sku) OR contains(lower(coalesce(SkuPriceDetails, '')), $sku))
),
by_price AS (
    SELECT provider, service, sku, meter, unit, region, details, currency, month, contracted, sum(quantity) AS quantity
    FROM charged
    WHERE on_demand AND contracted > 0
    GROUP BY ALL
),
ranked AS (
    SELECT
        *,
        sum(quantity) OVER (PARTITION BY provider, service, sku, meter, unit, region, details, currency, month ORDER BY contracted)
            AS upto,
        sum(quantity) OVER (PARTITION BY provider, service, sku, meter, unit, region, details, currency, month) AS whole
    FROM by_price
),
medians AS (
    SELECT
        provider, service, sku, meter, unit, region, details, currency, month,
        min(contracted) FILTER (upto >= whole - upto) AS contracted, min(contracted) AS low, max(contracted) AS high
    FROM ranked
    GROUP BY ALL
),
totals AS (
    SELECT
        provider, service, sku, meter, unit, region, details, currency, month, max(listed) FILTER (on_demand) AS listed,
        min(listed) FILTER (on_demand) AS listed_low, sum(quantity) AS quantity, sum(cost) AS cost,
        CAST(count(*) AS BIGINT) AS charges, min(description) AS description,
        coalesce(sum(quantity) FILTER (begun >= $volume_since), 0) AS volume,
        coalesce(sum(quantity) FILTER (by_commitment), 0) AS covered
    FROM charged
    GROUP BY ALL
)
SELECT
    t.provider, t.service, t.sku, t.meter, t.unit, t.region, t.details, t.currency, t.month, m.contracted, m.low, m.high,
    t.listed, t.listed_low, t.quantity, t.cost, t.charges, t.description, t.volume, t.covered
FROM totals t
LEFT JOIN medians m USING (provider, service, sku, meter, unit, region, details, currency, month)
ORDER BY t.provider, t.sku, t.meter, t.unit, t.region, t.details, t.currency, t.service, t.month
