/*
title: Non-production at weekends
persona: Engineering
question: What do environments that nobody works in at weekends cost then?
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
columns: {Environment: text, Owner: text, ServiceName: text, BillingCurrency: currency, Weekend: money, EffectiveCost: money, WeekendShare: percent}
chart: {label: ServiceName, value: Weekend}
*/
SELECT x_Environment AS Environment, x_Owner AS Owner, ServiceName, BillingCurrency,
  coalesce(sum(EffectiveCost) FILTER (isodow(ChargePeriodStart) >= 6), 0) AS Weekend, sum(EffectiveCost) AS EffectiveCost,
  CAST(100 * CAST(Weekend AS DOUBLE) / nullif(sum(EffectiveCost), 0) AS DECIMAL(38,2)) AS WeekendShare
FROM counted_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ChargeCategory = 'Usage'
  AND x_Environment NOT IN ('prod', 'production', 'unknown')
GROUP BY x_Environment, x_Owner, ServiceName, BillingCurrency
HAVING coalesce(sum(EffectiveCost) FILTER (isodow(ChargePeriodStart) >= 6), 0) > 0
ORDER BY BillingCurrency, Weekend DESC, Environment, Owner, ServiceName
