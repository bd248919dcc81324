-- The charges of one commitment in [since, until), newest first: purchases, and what it covers or leaves unused.
SELECT
    CAST(ChargePeriodStart AS DATE) AS day, ChargeCategory, CommitmentDiscountStatus, ServiceName, SubAccountName, ResourceId,
    ListCost, ContractedCost, BilledCost, EffectiveCost, BillingCurrency, x_Owner
FROM charges
WHERE CommitmentDiscountId = $commitment AND coalesce(ServiceProviderName, '') = $provider AND BillingCurrency = $currency
  AND ChargePeriodStart >= $since AND ChargePeriodStart < $until
ORDER BY day DESC, EffectiveCost DESC
