-- The currencies that commitments are billed in.
SELECT DISTINCT BillingCurrency AS currency
FROM charges
WHERE CommitmentDiscountId IS NOT NULL AND ChargePeriodStart < $until AND BillingCurrency IS NOT NULL
ORDER BY currency
