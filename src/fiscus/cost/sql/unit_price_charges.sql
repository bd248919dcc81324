-- The charges that one learned unit price rests on, newest first.
SELECT
    CAST(ChargePeriodStart AS DATE) AS day, SubAccountName, ResourceId, ChargeDescription, PricingCategory, PricingQuantity,
    PricingUnit, ListUnitPrice, ContractedUnitPrice, EffectiveCost, BillingCurrency
FROM charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ChargeCategory = 'Usage' AND ChargeClass IS NULL
  AND coalesce(ServiceProviderName, '') = $provider AND coalesce(SkuId, '') = $sku AND PricingUnit = $unit
  AND coalesce(RegionId, '') = $region AND BillingCurrency = $currency
  AND coalesce(SkuPriceDetails, x_Extra['x_SkuDetails'], '') = $details
ORDER BY day DESC, PricingQuantity DESC
