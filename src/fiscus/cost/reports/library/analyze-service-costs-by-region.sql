/*
title: Cost by service and region
persona: Engineering
question: What does each service cost in each region, month by month?
use_case: analyze-service-costs-by-region
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  provider: {type: text, default: '', about: A ServiceProviderName; all when empty}
columns: {Month: month, ServiceProviderName: text, RegionId: text, ServiceName: text, BillingCurrency: currency, EffectiveCost: money}
chart: {label: RegionId, value: EffectiveCost}
*/
SELECT strftime(ChargePeriodStart, '%Y-%m') AS Month, ServiceProviderName, coalesce(RegionId, '(none)') AS RegionId, ServiceName,
  BillingCurrency, sum(EffectiveCost) AS EffectiveCost
FROM counted_bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ($provider = '' OR ServiceProviderName = $provider)
GROUP BY 1, 2, 3, 4, 5
ORDER BY BillingCurrency, Month, EffectiveCost DESC, ServiceProviderName, RegionId, ServiceName
