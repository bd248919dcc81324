/*
title: Cost by SKU and price
persona: FinOps
question: Which SKUs do we use most, at which list price?
use_case: resource-costs-sku
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  provider: {type: text, default: '', about: A ServiceProviderName; all when empty}
  top: {type: integer, default: 100, about: So many of each currency}
columns: {ServiceProviderName: text, SkuId: text, SkuPriceId: text, PricingUnit: text, ListUnitPrice: price, PricingQuantity: number, BillingCurrency: currency, ListCost: money, EffectiveCost: money}
*/
SELECT ServiceProviderName, SkuId, SkuPriceId, PricingUnit, ListUnitPrice, sum(PricingQuantity) AS PricingQuantity,
  BillingCurrency, sum(ListCost) AS ListCost, sum(EffectiveCost) AS EffectiveCost
FROM counted_bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND SkuId IS NOT NULL
  AND ($provider = '' OR ServiceProviderName = $provider)
GROUP BY ServiceProviderName, SkuId, SkuPriceId, PricingUnit, ListUnitPrice, BillingCurrency
QUALIFY row_number() OVER (
  PARTITION BY BillingCurrency ORDER BY sum(EffectiveCost) DESC, ServiceProviderName, SkuId, SkuPriceId, ListUnitPrice,
    PricingUnit) <= $top
ORDER BY BillingCurrency, EffectiveCost DESC, ServiceProviderName, SkuId, SkuPriceId, ListUnitPrice, PricingUnit
