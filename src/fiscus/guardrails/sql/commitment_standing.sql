-- Commitments that exist at a provider: what each costs a day over its last days, and its end where a purchase says it.
-- A payment in advance bears the whole term as its charge period (FOCUS 1.4, ChargePeriodEnd of a One-Time Purchase).
WITH daily AS (
    SELECT
        CommitmentDiscountId AS id, max(coalesce(CommitmentDiscountName, CommitmentDiscountId)) AS name,
        max(coalesce(CommitmentDiscountType, '')) AS type, CAST(ChargePeriodStart AS DATE) AS day, sum(EffectiveCost) AS cost
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
      AND ChargeCategory = 'Usage' AND CommitmentDiscountId IS NOT NULL AND BillingCurrency = $currency
      AND ServiceProviderName = $provider
    GROUP BY CommitmentDiscountId, CAST(ChargePeriodStart AS DATE)
),
bought AS (
    SELECT CommitmentDiscountId AS id, max(CAST(ChargePeriodEnd AS DATE)) AS ends
    FROM charges
    WHERE ChargeCategory = 'Purchase' AND ChargeFrequency = 'One-Time' AND CommitmentDiscountId IS NOT NULL
    GROUP BY CommitmentDiscountId
)
SELECT
    d.id, max(d.name) AS name, max(d.type) AS type, sum(d.cost) AS cost, count(DISTINCT d.day) AS days, max(d.day) AS last_day,
    max(b.ends) AS ends
FROM daily d
LEFT JOIN bought b ON b.id = d.id
GROUP BY d.id
ORDER BY d.id
