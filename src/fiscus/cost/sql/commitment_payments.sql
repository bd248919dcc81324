-- Purchases of commitments whose charge period the usage of their source has not come to the end of; one currency.
WITH landed AS (
    SELECT x_SourceId AS source, coalesce(
            max(ChargePeriodEnd) FILTER (ChargePeriodEnd <= ChargePeriodStart + INTERVAL 1 DAY), max(ChargePeriodEnd)) AS reached
    FROM charges
    WHERE ChargeCategory = 'Usage' AND ChargePeriodStart < $until
    GROUP BY x_SourceId
)
SELECT
    coalesce(c.ServiceProviderName, '') AS provider, c.CommitmentDiscountId AS id, c.ChargePeriodStart AS starts,
    c.ChargePeriodEnd AS ends, sum(c.BilledCost) AS billed
FROM charges c
LEFT JOIN landed l ON l.source = c.x_SourceId
WHERE c.CommitmentDiscountId IS NOT NULL AND c.BillingCurrency = $currency AND c.ChargeCategory = 'Purchase'
  AND c.ChargePeriodStart < $until AND (l.reached IS NULL OR c.ChargePeriodEnd > l.reached)
GROUP BY c.ServiceProviderName, c.CommitmentDiscountId, c.ChargePeriodStart, c.ChargePeriodEnd
ORDER BY provider, id, starts, ends
