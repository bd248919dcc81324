-- Usage that draws on what was prepaid, by charge period: priced in a virtual currency, or under a commitment that is drawn down,
-- or billed at nothing while it counts as cost, at a provider that was paid in advance.
-- A virtual currency is a PricingCurrency that is no code of ISO 4217 (FOCUS 1.2 and 1.3), or x_PricingCurrency; in 1.4, where
-- PricingCurrency must be such a code, the unit of pricing is the unit that was bought.
-- `lapsed`: not consumed, and of a SKU that was bought: the vendor's row for what is lost unused.
WITH paid AS (
    SELECT DISTINCT coalesce(ServiceProviderName, '') AS provider, BillingCurrency AS currency
    FROM charges
    WHERE ChargeCategory = 'Purchase' AND ChargePeriodStart < $until AND BilledCost <> 0 AND EffectiveCost = 0
),
bought AS (
    SELECT DISTINCT coalesce(ServiceProviderName, '') AS provider, SkuId AS sku
    FROM charges
    WHERE ChargeCategory = 'Purchase' AND ChargePeriodStart < $until AND SkuId IS NOT NULL
),
used AS (
    SELECT
        coalesce(c.ServiceProviderName, '') AS provider, coalesce(c.BillingAccountId, '') AS account,
        c.BillingCurrency AS currency, coalesce(c.CommitmentDiscountId, '') AS commitment,
        coalesce(c.x_Extra['x_PricingCurrency'],
            CASE WHEN list_contains($iso, c.PricingCurrency) THEN NULL ELSE c.PricingCurrency END, '') AS virtual,
        coalesce(TRY_CAST(c.x_Extra['x_PricingCurrencyEffectiveCost'] AS DECIMAL(38,18)),
            CAST(c.PricingCurrencyEffectiveCost AS DECIMAL(38,18))) AS virtual_cost,
        coalesce(c.PricingUnit, '') AS unit, c.PricingQuantity AS quantity,
        CAST(c.ChargePeriodStart AS DATE) AS day, CAST(c.ChargePeriodEnd AS DATE) AS ends,
        c.CommitmentDiscountQuantity AS committed, c.BilledCost AS billed, c.EffectiveCost AS effective,
        b.sku IS NOT NULL AND c.ConsumedQuantity IS NULL AS lapsed, p.provider IS NOT NULL AS paid_ahead,
        c.x_Owner AS owner, c.x_Team AS team
    FROM charges c
    LEFT JOIN paid p ON p.provider = coalesce(c.ServiceProviderName, '') AND p.currency = c.BillingCurrency
    LEFT JOIN bought b ON b.provider = coalesce(c.ServiceProviderName, '') AND b.sku = c.SkuId
    WHERE c.ChargeCategory = 'Usage' AND c.ChargePeriodStart < $until AND c.x_SourceId NOT LIKE 'gateway-%'
)
SELECT
    provider, account, currency, commitment, virtual, unit, day, ends, lapsed, billed <> 0 AS billed_alone,
    sum(quantity) AS quantity, sum(virtual_cost) AS virtual_cost, sum(committed) AS committed, sum(billed) AS billed,
    sum(effective) AS effective, max_by(owner, effective) AS owner, max_by(team, effective) AS team
FROM used
WHERE virtual <> '' OR (paid_ahead AND effective <> 0 AND (commitment <> '' OR billed = 0))
GROUP BY provider, account, currency, commitment, virtual, unit, day, ends, lapsed, billed <> 0
ORDER BY provider, account, currency, commitment, virtual, unit, day, ends, lapsed, billed_alone
