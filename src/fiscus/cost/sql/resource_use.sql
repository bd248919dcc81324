-- What one resource used by the hour: its compute, apart from its disks and its traffic; the line that costs most first.
SELECT
    coalesce(ServiceProviderName, '') AS provider, coalesce(RegionId, '') AS region, PricingUnit AS unit,
    coalesce(SkuMeter, x_Extra['x_SkuMeterName'], '') AS meter, coalesce(SkuPriceDetails, x_Extra['x_SkuDetails'], '') AS details,
    min(coalesce(ChargeDescription, '')) AS description, BillingCurrency AS currency, sum(PricingQuantity) AS quantity,
    sum(EffectiveCost) AS paid, max(x_Owner) AS owner
FROM charges
WHERE ResourceId = $resource AND ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
  AND ChargeCategory = 'Usage' AND ChargeClass IS NULL AND PricingQuantity > 0 AND lower(PricingUnit) LIKE '%h%r%'
GROUP BY ALL
ORDER BY max(CASE WHEN ContractedCost > 0 THEN ContractedCost ELSE ListCost END) DESC NULLS LAST, paid DESC
LIMIT 1
