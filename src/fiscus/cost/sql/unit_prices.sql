-- What each thing cost a unit: one row a SKU, unit, region, currency and details, over the charges of [since, until).
-- `contracted` is the quantity-weighted median of ContractedUnitPrice over on-demand charges: a price that was charged, with no
-- division in it. The two totals behind an effective price are divided by whoever shows it.
-- Days are taken of the instant as UTC writes it: a tenth of the time of asking a calendar for each charge.
WITH charged AS (
    SELECT
        coalesce(ServiceProviderName, '') AS provider,
        coalesce(ServiceName, '') AS service,
        coalesce(SkuId, '') AS sku,
        coalesce(SkuMeter, x_Extra['x_SkuMeterName'], '') AS meter,
        PricingUnit AS unit,
        coalesce(RegionId, '') AS region,
        coalesce(ResourceType, '') AS resource_type,
        coalesce(SkuPriceDetails, x_Extra['x_SkuDetails'], '') AS details,
        BillingCurrency AS currency,
        coalesce(PricingCategory, 'Standard') AS pricing,
        CAST(make_timestamp(epoch_us(ChargePeriodStart)) AS DATE) AS day,
        coalesce(PricingCategory, 'Standard') = 'Standard' AND CommitmentDiscountId IS NULL AS on_demand,
        ContractedUnitPrice AS contracted,
        ListUnitPrice AS listed,
        PricingQuantity AS quantity,
        EffectiveCost AS cost,
        coalesce(ChargeDescription, '') AS description
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
      AND ChargeCategory = 'Usage' AND ChargeClass IS NULL AND PricingQuantity > 0 AND PricingUnit IS NOT NULL
      AND coalesce(CommitmentDiscountStatus, 'Used') = 'Used'
      AND (x_SourceId NOT LIKE 'gateway-%' OR EffectiveCost <> 0)  -- until the bill has it
),
by_price AS (
    SELECT
        provider, service, sku, meter, unit, region, resource_type, details, currency, contracted,
        sum(quantity) AS quantity
    FROM charged
    WHERE on_demand AND contracted > 0
    GROUP BY ALL
),
ranked AS (
    SELECT
        *,
        sum(quantity) OVER (PARTITION BY provider, service, sku, meter, unit, region, resource_type, details, currency ORDER BY contracted)
            AS upto,
        sum(quantity) OVER (PARTITION BY provider, service, sku, meter, unit, region, resource_type, details, currency) AS whole
    FROM by_price
),
medians AS (
    SELECT
        provider, service, sku, meter, unit, region, resource_type, details, currency,
        min(contracted) FILTER (upto >= whole - upto) AS contracted, min(contracted) AS low, max(contracted) AS high
    FROM ranked
    GROUP BY ALL
),
totals AS (
    SELECT
        provider, service, sku, meter, unit, region, resource_type, details, currency,
        max(listed) FILTER (on_demand) AS listed,
        sum(cost) FILTER (pricing <> 'Dynamic') AS cost, sum(quantity) FILTER (pricing <> 'Dynamic') AS quantity,
        sum(cost) FILTER (pricing = 'Dynamic') AS spot_cost, sum(quantity) FILTER (pricing = 'Dynamic') AS spot_quantity,
        count(*) AS charges, count(DISTINCT day) AS days, max(day) AS newest, min(description) AS description
    FROM charged
    GROUP BY ALL
)
SELECT
    t.provider, t.service, t.sku, t.meter, t.unit, t.region, t.resource_type, t.details, t.currency,
    m.contracted, m.low, m.high, t.listed, t.cost, t.quantity, t.spot_cost, t.spot_quantity,
    CAST(t.charges AS BIGINT) AS charges, CAST(t.days AS BIGINT) AS days, t.newest, t.description
FROM totals t
LEFT JOIN medians m USING (provider, service, sku, meter, unit, region, resource_type, details, currency)
ORDER BY t.provider, t.sku, t.meter, t.unit, t.region, t.details, t.currency, t.service, t.resource_type
