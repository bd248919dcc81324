/*
title: This month against the same days of the last
persona: CFO
question: Do we spend more than in the same days of the month before?
parameters:
  until: {type: day, default: today, about: 'The day after the last; its month is compared'}
columns: {ServiceProviderName: text, BillingCurrency: currency, Before: money, EffectiveCost: money, Change: money}
chart: {label: ServiceProviderName, value: Change}
*/
WITH days AS (
  SELECT date_trunc('month', CAST($until AS DATE) - 1) AS start, CAST($until AS DATE) - 1 AS last
), spent AS (
  SELECT ServiceProviderName, BillingCurrency,
    coalesce(sum(EffectiveCost) FILTER (CAST(ChargePeriodStart AS DATE) < start), 0) AS Before,
    coalesce(sum(EffectiveCost) FILTER (CAST(ChargePeriodStart AS DATE) >= start), 0) AS EffectiveCost
  FROM counted_charges, days
  WHERE CAST(ChargePeriodStart AS DATE) BETWEEN start AND last
    OR CAST(ChargePeriodStart AS DATE) BETWEEN start - INTERVAL 1 MONTH AND last - INTERVAL 1 MONTH
  GROUP BY ServiceProviderName, BillingCurrency
)
SELECT *, EffectiveCost - Before AS Change
FROM spent
ORDER BY BillingCurrency, abs(Change) DESC, ServiceProviderName
