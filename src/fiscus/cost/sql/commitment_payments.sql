-- Purchases of commitments whose charge period usage has not come to the end of, as commitment_money.sql tells it; one currency.
WITH landed AS (
    SELECT x_SourceId AS source, coalesce(
            max(ChargePeriodEnd) FILTER (ChargePeriodEnd <= ChargePeriodStart + INTERVAL 1 DAY), max(ChargePeriodEnd)) AS reached
    FROM charges
    WHERE ChargeCategory = 'Usage' AND ChargePeriodStart < $until
    GROUP BY x_SourceId
),
mine AS (
    SELECT
        coalesce(c.ServiceProviderName, '') AS provider, c.CommitmentDiscountId AS id, c.ChargeCategory AS kind,
        c.ChargePeriodStart AS starts, c.ChargePeriodEnd AS ends, c.BilledCost AS billed, l.reached
    FROM charges c
    LEFT JOIN landed l ON l.source = c.x_SourceId
    WHERE c.CommitmentDiscountId IS NOT NULL AND c.BillingCurrency = $currency AND c.ChargePeriodStart < $until
),
reach AS (
    SELECT provider, id, coalesce(max(reached) FILTER (kind = 'Usage'), max(reached)) AS reached FROM mine GROUP BY provider, id
)
SELECT m.provider, m.id, m.starts, m.ends, sum(m.billed) AS billed
FROM mine m
JOIN reach r ON r.provider = m.provider AND r.id = m.id
WHERE m.kind = 'Purchase' AND (r.reached IS NULL OR m.ends > r.reached)
GROUP BY m.provider, m.id, m.starts, m.ends
ORDER BY m.provider, m.id, m.starts, m.ends
