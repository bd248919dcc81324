-- What is paid for commitments (reservations, savings plans) in the month, used or not, and the last day of each.
SELECT
    coalesce(CommitmentDiscountName, CommitmentDiscountId) AS commitment,
    coalesce(ServiceProviderName, 'unknown') AS provider,
    sum(CASE WHEN CommitmentDiscountStatus = 'Used' AND ChargePeriodStart >= $start THEN EffectiveCost ELSE 0 END) AS used,
    sum(CASE WHEN CommitmentDiscountStatus = 'Unused' AND ChargePeriodStart >= $start THEN EffectiveCost ELSE 0 END) AS unused,
    CAST(max(ChargePeriodStart) AS DATE) AS last_day
FROM charges
WHERE BillingCurrency = $currency AND CommitmentDiscountId IS NOT NULL AND ChargeCategory = 'Usage'
  AND ChargePeriodStart >= $before AND ChargePeriodStart < $until
GROUP BY ALL
ORDER BY unused DESC, commitment
