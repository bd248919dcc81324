-- Commitments on the bills of the last days: what each cost, how much of it was used, and its end where a purchase says it.
WITH seen AS (
    SELECT
        coalesce(ServiceProviderName, '') AS provider, CommitmentDiscountId AS id,
        max(coalesce(CommitmentDiscountName, CommitmentDiscountId)) AS name, max(coalesce(CommitmentDiscountType, '')) AS type,
        coalesce(sum(EffectiveCost) FILTER (CommitmentDiscountStatus = 'Used'), 0) AS used,
        coalesce(sum(EffectiveCost) FILTER (CommitmentDiscountStatus = 'Unused'), 0) AS unused,
        count(DISTINCT CAST(ChargePeriodStart AS DATE)) AS days, max(CAST(ChargePeriodStart AS DATE)) AS last_day
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
      AND ChargeCategory = 'Usage' AND CommitmentDiscountId IS NOT NULL AND BillingCurrency = $currency
    GROUP BY coalesce(ServiceProviderName, ''), CommitmentDiscountId
),
bought AS (
    SELECT CommitmentDiscountId AS id, max(CAST(ChargePeriodEnd AS DATE)) AS ends
    FROM charges
    WHERE ChargeCategory = 'Purchase' AND ChargeFrequency = 'One-Time' AND CommitmentDiscountId IS NOT NULL
    GROUP BY CommitmentDiscountId
),
landed AS (
    SELECT coalesce(ServiceProviderName, '') AS provider, max(CAST(ChargePeriodStart AS DATE)) AS day
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
      AND ChargeCategory = 'Usage' AND BillingCurrency = $currency
    GROUP BY coalesce(ServiceProviderName, '')
)
SELECT s.provider, s.id, s.name, s.type, s.used, s.unused, s.days, s.last_day, b.ends, l.day AS landed
FROM seen s
LEFT JOIN bought b ON b.id = s.id
JOIN landed l ON l.provider = s.provider
ORDER BY s.unused DESC, s.provider, s.id
