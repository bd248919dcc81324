/*
title: Production and everything else
persona: Owner
question: How much of a product's cost is production, and how much is not?
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {Product: text, Environment: text, BillingCurrency: currency, EffectiveCost: money, Share: percent}
chart: {label: Environment, value: EffectiveCost}
*/
SELECT x_Product AS Product, x_Environment AS Environment, BillingCurrency, sum(EffectiveCost) AS EffectiveCost,
  CAST(100 * CAST(sum(EffectiveCost) AS DOUBLE)
    / nullif(sum(sum(EffectiveCost)) OVER (PARTITION BY BillingCurrency, x_Product), 0) AS DECIMAL(38,2)) AS Share
FROM counted_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY x_Product, x_Environment, BillingCurrency
ORDER BY BillingCurrency, Product, EffectiveCost DESC, Environment
