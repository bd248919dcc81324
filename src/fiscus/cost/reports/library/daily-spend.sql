/*
title: Spend day by day
persona: FinOps
question: What was spent on each day, with each provider?
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  provider: {type: text, default: '', about: A ServiceProviderName; all when empty}
columns: {Day: day, ServiceProviderName: text, BillingCurrency: currency, EffectiveCost: money, BilledCost: money}
chart: {label: Day, value: EffectiveCost, series: ServiceProviderName}
*/
-- The day of the plain timestamp: instants are UTC, and no calendar of time zones is asked for each charge.
SELECT CAST(make_timestamp(epoch_us(ChargePeriodStart)) AS DATE) AS Day, ServiceProviderName, BillingCurrency, sum(EffectiveCost) AS EffectiveCost,
  sum(BilledCost) AS BilledCost
FROM counted_bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ($provider = '' OR ServiceProviderName = $provider)
GROUP BY 1, 2, 3
ORDER BY BillingCurrency, Day, ServiceProviderName
