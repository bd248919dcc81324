-- Unit prices that stepped up: from a day on, the lowest price is above the highest of all days before it, same SKU and unit.
-- Tiers of one SKU overlap before and after, so they are no step; dynamic prices (spot) move every day and are left out.
-- Days are taken of the instant as UTC writes it: a tenth of the time of asking a calendar for each charge.
WITH priced AS (
    SELECT
        coalesce(ServiceProviderName, '') AS provider,
        coalesce(ServiceName, '') AS service,
        SkuId AS sku,
        coalesce(PricingUnit, '') AS unit,
        coalesce(RegionId, '') AS region,
        BillingCurrency AS currency,
        CAST(make_timestamp(epoch_us(ChargePeriodStart)) AS DATE) AS day,
        coalesce(ContractedUnitPrice, ListUnitPrice) AS price,
        ListUnitPrice AS list_price,
        PricingQuantity AS quantity,
        EffectiveCost AS cost,
        coalesce(ChargeDescription, '') AS description
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
      AND ChargeCategory = 'Usage' AND ChargeClass IS NULL AND SkuId IS NOT NULL
      AND coalesce(PricingCategory, 'Standard') = 'Standard' AND CommitmentDiscountId IS NULL
      AND coalesce(ContractedUnitPrice, ListUnitPrice) > 0 AND PricingQuantity > 0 {{only}}
),
daily AS (
    SELECT
        provider, service, sku, unit, region, currency, day,
        min(price) AS low, max(price) AS high, min(list_price) AS list_low, max(list_price) AS list_high,
        sum(quantity) AS quantity, sum(cost) AS cost, count(*) AS charges, max(description) AS description
    FROM priced
    GROUP BY ALL
),
ranged AS (
    SELECT
        *,
        max(high) OVER past AS before, min(low) OVER ahead AS after, max(list_high) OVER past AS list_before,
        min(list_low) OVER ahead AS list_after, count(*) OVER past AS days_before, count(*) OVER ahead AS days_after,
        sum(quantity) OVER ahead AS quantity_after, sum(cost) OVER ahead AS cost_after, sum(charges) OVER ahead AS charges_after,
        max(day) OVER ahead AS last_day
    FROM daily
    WINDOW
        past AS (PARTITION BY provider, service, sku, unit, region, currency ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
        ahead AS (PARTITION BY provider, service, sku, unit, region, currency ORDER BY day ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
)
SELECT
    provider, service, sku, unit, region, currency, day AS first_day, last_day, before, after, list_before, list_after,
    quantity_after, cost_after, CAST(charges_after AS BIGINT) AS charges, description
FROM ranged
WHERE after > before AND days_before >= $days_before_min AND days_after >= $days_after_min AND day >= $changed_since
QUALIFY row_number() OVER (PARTITION BY provider, service, sku, unit, region, currency ORDER BY day) = 1
ORDER BY provider, sku, unit, region, currency
