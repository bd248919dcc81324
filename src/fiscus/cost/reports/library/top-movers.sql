/*
title: What moved most
persona: CFO
question: Which services moved the bill most against the month before?
parameters:
  month: {type: month, default: last month, about: The billing month}
  before: {type: month, default: 2 months ago, about: The month that it is held against}
  top: {type: integer, default: 20, about: So many of each currency}
columns: {ServiceProviderName: text, ServiceName: text, BillingCurrency: currency, Before: money, EffectiveCost: money, Change: money, ChangeShare: percent}
chart: {label: ServiceName, value: Change}
*/
WITH both_months AS (
  SELECT ServiceProviderName, ServiceName, BillingCurrency,
    coalesce(sum(EffectiveCost) FILTER (x_BillingMonth = $before), 0) AS Before,
    coalesce(sum(EffectiveCost) FILTER (x_BillingMonth = $month), 0) AS EffectiveCost
  FROM counted_charges
  WHERE x_BillingMonth IN ($month, $before)
  GROUP BY ServiceProviderName, ServiceName, BillingCurrency
)
SELECT *, EffectiveCost - Before AS Change,
  CAST(100 * CAST(EffectiveCost - Before AS DOUBLE) / nullif(Before, 0) AS DECIMAL(38,2)) AS ChangeShare
FROM both_months
QUALIFY row_number() OVER (PARTITION BY BillingCurrency ORDER BY abs(EffectiveCost - Before) DESC, ServiceProviderName, ServiceName)
  <= $top
ORDER BY BillingCurrency, abs(Change) DESC, ServiceProviderName, ServiceName
