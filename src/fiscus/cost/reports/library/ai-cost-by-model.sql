/*
title: AI cost by model
persona: CFO
question: On which AI models does the money go?
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {ServiceProviderName: text, Model: text, BillingCurrency: currency, EffectiveCost: money, Share: percent}
chart: {label: Model, value: EffectiveCost}
*/
SELECT ServiceProviderName, x_AiModel AS Model, BillingCurrency, sum(EffectiveCost) AS EffectiveCost,
  CAST(100 * CAST(sum(EffectiveCost) AS DOUBLE) / nullif(sum(sum(EffectiveCost)) OVER (PARTITION BY BillingCurrency), 0)
    AS DECIMAL(38,2)) AS Share
FROM counted_bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND x_AiModel IS NOT NULL
GROUP BY ServiceProviderName, x_AiModel, BillingCurrency
ORDER BY BillingCurrency, EffectiveCost DESC, ServiceProviderName, Model
