/*
title: Compute services of a subaccount
persona: Engineering
question: What does each compute service of a subaccount cost, and how many resources does it run?
use_case: cost-compute-subaccount
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  sub_account: {type: text, default: '', about: A SubAccountId; all when empty}
columns: {SubAccountId: text, ServiceName: text, PricingUnit: text, Resources: count, PricingQuantity: number, BillingCurrency: currency, EffectiveCost: money}
chart: {label: ServiceName, value: EffectiveCost}
*/
SELECT SubAccountId, ServiceName, PricingUnit, count(DISTINCT ResourceId) AS Resources, sum(PricingQuantity) AS PricingQuantity,
  BillingCurrency, sum(EffectiveCost) AS EffectiveCost
FROM counted_bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ServiceCategory = 'Compute'
  AND ($sub_account = '' OR SubAccountId = $sub_account)
GROUP BY SubAccountId, ServiceName, PricingUnit, BillingCurrency
ORDER BY BillingCurrency, EffectiveCost DESC, SubAccountId, ServiceName, PricingUnit
