-- Every unit price that was charged, with its first and last day and its quantity: contracted and list prices of on-demand usage.
-- Prices of one SKU that follow each other in time are a change; prices side by side are its tiers.
-- Days are taken of the instant as UTC writes it: a tenth of the time of asking a calendar for each charge.
WITH charged AS (
    SELECT
        coalesce(ServiceProviderName, '') AS provider, coalesce(ServiceName, '') AS service, coalesce(SkuId, '') AS sku,
        coalesce(SkuMeter, x_Extra['x_SkuMeterName'], '') AS meter, PricingUnit AS unit, coalesce(RegionId, '') AS region,
        coalesce(SkuPriceDetails, x_Extra['x_SkuDetails'], '') AS details, BillingCurrency AS currency,
        CAST(make_timestamp(epoch_us(ChargePeriodStart)) AS DATE) AS day, ContractedUnitPrice AS contracted, ListUnitPrice AS listed,
        PricingQuantity AS quantity
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
      AND ChargeCategory = 'Usage' AND ChargeClass IS NULL AND PricingQuantity > 0 AND PricingUnit IS NOT NULL
      AND coalesce(PricingCategory, 'Standard') = 'Standard' AND CommitmentDiscountId IS NULL
      AND x_SourceId NOT LIKE 'gateway-%' AND ($region = '' OR coalesce(RegionId, '') = $region)
      AND ($sku = '' OR contains(lower(coalesce(SkuId, '')), $sku) OR contains(lower(coalesce(SkuMeter, '')), $sku)
        OR contains(lower(coalesce(ChargeDescription, '')), $sku) OR contains(lower(coalesce(SkuPriceDetails, '')), $sku))
),
priced AS (
    SELECT *, 'contracted' AS kind, contracted AS price FROM charged WHERE contracted > 0
    UNION ALL
    SELECT *, 'list' AS kind, listed AS price FROM charged WHERE listed > 0
)
SELECT
    provider, service, sku, meter, unit, region, details, currency, kind, price, min(day) AS first_day, max(day) AS last_day,
    sum(quantity) AS quantity
FROM priced
GROUP BY ALL
ORDER BY provider, sku, meter, unit, region, details, currency, service, kind, first_day, price
