-- Usage that draws on what was prepaid, by charge period: priced in a virtual currency, or under a commitment that is drawn down,
-- or billed at nothing while it counts as cost, at a provider that was paid in advance.
-- A virtual currency is a PricingCurrency that is no code of ISO 4217 (FOCUS 1.2 and 1.3), or x_PricingCurrency; in 1.4, where
-- PricingCurrency must be such a code, the unit of pricing is the unit that was bought.
-- `lapsed`: not consumed, and of a SKU that was bought: the vendor's row for what is lost unused.
-- Asked for what was bought: $providers were paid in advance, $commitments may be drawn down, $skus were bought.
WITH used AS (
    SELECT
        coalesce(c.ServiceProviderName, '') AS provider, coalesce(c.BillingAccountId, '') AS account,
        c.BillingCurrency AS currency, coalesce(c.CommitmentDiscountId, '') AS commitment, {{virtual}} AS virtual,
        {{virtual_cost}} AS virtual_cost, coalesce(c.PricingUnit, '') AS unit, c.PricingQuantity AS quantity,
        CAST(c.ChargePeriodStart AS DATE) AS day, CAST(c.ChargePeriodEnd AS DATE) AS ends,
        c.CommitmentDiscountQuantity AS committed, c.BilledCost AS billed, c.EffectiveCost AS effective,
        c.ConsumedQuantity IS NULL AND list_contains($skus, c.SkuId) AS lapsed, c.x_Owner AS owner, c.x_Team AS team
    FROM charges c
    WHERE c.ChargeCategory = 'Usage' AND c.ChargePeriodStart < $until AND c.x_SourceId NOT LIKE 'gateway-%'
)
SELECT
    provider, account, currency, commitment, virtual, unit, day, ends, coalesce(lapsed, false) AS lapsed,
    billed <> 0 AS billed_alone, sum(quantity) AS quantity, sum(virtual_cost) AS virtual_cost, sum(committed) AS committed,
    sum(billed) AS billed, sum(effective) AS effective, max_by(owner, effective) AS owner, max_by(team, effective) AS team
FROM used
WHERE virtual <> '' OR list_contains($commitments, commitment)
   OR (billed = 0 AND effective <> 0 AND commitment = '' AND list_contains($providers, provider))
GROUP BY provider, account, currency, commitment, virtual, unit, day, ends, coalesce(lapsed, false), billed <> 0
ORDER BY provider, account, currency, commitment, virtual, unit, day, ends, lapsed, billed_alone
