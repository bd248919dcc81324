/*
title: Services month over month
persona: FinOps
question: How does the cost of each service move from month to month?
use_case: service-costs-month-over-month
parameters:
  first: {type: month, default: 3 months ago, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  provider: {type: text, default: '', about: A ServiceProviderName; all when empty}
columns: {ServiceProviderName: text, ServiceName: text, BillingCurrency: currency, Month: month, EffectiveCost: money, Before: money, Change: money}
chart: {label: Month, value: EffectiveCost, series: ServiceName}
*/
WITH monthly AS (
  SELECT ServiceProviderName, ServiceName, BillingCurrency, strftime(ChargePeriodStart, '%Y-%m') AS Month,
    sum(EffectiveCost) AS EffectiveCost
  FROM counted_charges
  WHERE ChargePeriodStart >= CAST($first || '-01' AS DATE)
    AND ChargePeriodStart < CAST($last || '-01' AS DATE) + INTERVAL 1 MONTH
    AND ($provider = '' OR ServiceProviderName = $provider)
  GROUP BY 1, 2, 3, 4
)
SELECT *, lag(EffectiveCost) OVER earlier AS Before, EffectiveCost - lag(EffectiveCost) OVER earlier AS Change
FROM monthly
WINDOW earlier AS (PARTITION BY ServiceProviderName, ServiceName, BillingCurrency ORDER BY Month)
ORDER BY BillingCurrency, ServiceProviderName, ServiceName, Month
