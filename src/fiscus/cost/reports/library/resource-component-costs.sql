/*
title: What a resource is made of
persona: Engineering
question: Which SKUs make up the cost of a resource?
use_case: resource-component-costs
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  resource: {type: text, default: '', about: A ResourceId; the dearest of all when empty}
  top: {type: integer, default: 100, about: So many of each currency}
columns: {ResourceId: text, ResourceName: text, ResourceType: text, SkuId: text, ChargeDescription: text, BillingCurrency: currency, EffectiveCost: money}
chart: {label: ChargeDescription, value: EffectiveCost}
*/
SELECT ResourceId, ResourceName, ResourceType, SkuId, ChargeDescription, BillingCurrency, sum(EffectiveCost) AS EffectiveCost
FROM counted_bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ResourceId IS NOT NULL
  AND ($resource = '' OR ResourceId = $resource)
GROUP BY ResourceId, ResourceName, ResourceType, SkuId, ChargeDescription, BillingCurrency
QUALIFY row_number() OVER (
  PARTITION BY BillingCurrency ORDER BY sum(EffectiveCost) DESC, ResourceId, SkuId, ChargeDescription, ResourceName,
    ResourceType) <= $top
ORDER BY BillingCurrency, EffectiveCost DESC, ResourceId, SkuId, ChargeDescription, ResourceName, ResourceType
