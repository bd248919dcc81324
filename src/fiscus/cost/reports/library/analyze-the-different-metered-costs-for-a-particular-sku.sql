/*
title: The prices of one SKU
persona: FinOps
question: At which prices was a SKU metered, and how much at each?
use_case: analyze-the-different-metered-costs-for-a-particular-sku
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  sku: {type: text, default: '', about: A SkuId; all when empty}
columns: {ServiceProviderName: text, SkuId: text, SkuPriceId: text, SkuMeter: text, PricingCategory: text, PricingUnit: text, ListUnitPrice: price, PricingQuantity: number, BillingCurrency: currency, ListCost: money, EffectiveCost: money}
*/
SELECT ServiceProviderName, SkuId, SkuPriceId, SkuMeter, PricingCategory, PricingUnit, ListUnitPrice,
  sum(PricingQuantity) AS PricingQuantity, BillingCurrency, sum(ListCost) AS ListCost, sum(EffectiveCost) AS EffectiveCost
FROM bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND SkuId IS NOT NULL AND ($sku = '' OR SkuId = $sku)
GROUP BY ServiceProviderName, SkuId, SkuPriceId, SkuMeter, PricingCategory, PricingUnit, ListUnitPrice, BillingCurrency
ORDER BY BillingCurrency, ServiceProviderName, SkuId, EffectiveCost DESC, SkuPriceId, ListUnitPrice, PricingCategory, SkuMeter,
  PricingUnit
