/*
title: Spend by product
persona: CFO
question: What does each product of ours cost, month by month?
parameters:
  first: {type: month, default: 3 months ago, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {Product: text, Month: month, BillingCurrency: currency, EffectiveCost: money}
chart: {label: Month, value: EffectiveCost, series: Product}
*/
SELECT x_Product AS Product, x_BillingMonth AS Month, BillingCurrency, sum(EffectiveCost) AS EffectiveCost
FROM counted_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY x_Product, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, EffectiveCost DESC, Product
