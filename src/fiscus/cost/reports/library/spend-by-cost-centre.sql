/*
title: Spend by cost centre
persona: Finance
question: Which sum is to be booked on each cost centre?
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {CostCentre: text, Month: month, BillingCurrency: currency, BilledCost: money, EffectiveCost: money}
chart: {label: CostCentre, value: EffectiveCost}
*/
SELECT x_CostCentre AS CostCentre, x_BillingMonth AS Month, BillingCurrency, sum(BilledCost) AS BilledCost,
  sum(EffectiveCost) AS EffectiveCost
FROM counted_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY x_CostCentre, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, EffectiveCost DESC, CostCentre
