-- Purchases that may be drawn down, one row a lot: paid once in advance, for units or for money; billed before `until`, whenever
-- their term begins.
-- A recurring fee of a commitment is no lot: it is used or lost by the hour (see commitments). Nor is a commitment of which some
-- row is Unused, nor one that is measured in hours of use.
WITH hourly AS (SELECT DISTINCT CommitmentDiscountId AS id FROM charges WHERE CommitmentDiscountStatus = 'Unused')
SELECT
    coalesce(ServiceProviderName, '') AS provider, coalesce(BillingAccountId, '') AS account, BillingCurrency AS currency,
    coalesce(CommitmentDiscountId, '') AS commitment,
    coalesce(CASE WHEN CommitmentDiscountId IS NULL THEN PricingUnit ELSE CommitmentDiscountUnit END, '') AS unit,
    CAST(ChargePeriodStart AS DATE) AS starts, CAST(ChargePeriodEnd AS DATE) AS ends,
    sum(CASE WHEN CommitmentDiscountId IS NULL THEN PricingQuantity ELSE CommitmentDiscountQuantity END) AS quantity,
    sum(BilledCost) AS billed, sum(EffectiveCost) AS effective, max(coalesce(ChargeDescription, '')) AS description,
    max(x_Owner) AS owner, max(x_Team) AS team, list(DISTINCT SkuId ORDER BY SkuId) FILTER (SkuId IS NOT NULL) AS skus
FROM charges
WHERE ChargeCategory = 'Purchase' AND least(ChargePeriodStart, BillingPeriodStart) < $until AND x_SourceId NOT LIKE 'gateway-%'
  AND (CommitmentDiscountId IS NULL
    OR (ChargeFrequency = 'One-Time' AND coalesce(CommitmentDiscountCategory, 'Spend') = 'Spend'
        AND CommitmentDiscountId NOT IN (SELECT id FROM hourly WHERE id IS NOT NULL)))
GROUP BY ServiceProviderName, BillingAccountId, BillingCurrency, CommitmentDiscountId,
    CASE WHEN CommitmentDiscountId IS NULL THEN PricingUnit ELSE CommitmentDiscountUnit END,
    CAST(ChargePeriodStart AS DATE), CAST(ChargePeriodEnd AS DATE)
HAVING sum(BilledCost) <> 0
ORDER BY provider, account, currency, commitment, unit, starts, ends
