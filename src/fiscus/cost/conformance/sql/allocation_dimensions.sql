-- The parts of a split charge agree in every dimension of the charge that they come from. Without a resource
-- nothing tells which parts that are.
-- columns: AllocatedMethodId ResourceId
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, min(BillingCurrency) AS currency,
    sum(amount(EffectiveCost)) AS amount, coalesce(ResourceId, '') || ' ' || coalesce(ChargePeriodStart::VARCHAR, '') AS what
FROM delivery WHERE AllocatedMethodId IS NOT NULL AND ResourceId IS NOT NULL
GROUP BY AllocatedMethodId, ResourceId, SkuPriceId, ChargeCategory, ChargePeriodStart, ChargePeriodEnd, CommitmentDiscountStatus,
    ChargeClass
HAVING min(ServiceName) <> max(ServiceName) OR min(RegionId) <> max(RegionId) OR min(SubAccountId) <> max(SubAccountId)
    OR min(BillingAccountId) <> max(BillingAccountId) OR min(ResourceType) <> max(ResourceType)
    OR min(PricingCategory) <> max(PricingCategory) OR min(InvoiceId) <> max(InvoiceId)
    OR min(BillingCurrency) <> max(BillingCurrency)
