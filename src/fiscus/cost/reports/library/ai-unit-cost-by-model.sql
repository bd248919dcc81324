/*
title: AI unit cost by model
persona: FinOps
question: What do a million tokens of each model cost us, by direction and month?
parameters:
  first: {type: month, default: 3 months ago, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {Month: month, ServiceProviderName: text, Model: text, Meter: text, Tokens: number, BillingCurrency: currency, EffectiveCost: money, PerMillion: price}
chart: {label: Model, value: PerMillion}
*/
SELECT x_BillingMonth AS Month, ServiceProviderName, x_AiModel AS Model, SkuMeter AS Meter, sum(ConsumedQuantity) AS Tokens,
  BillingCurrency, sum(EffectiveCost) AS EffectiveCost,
  CAST(1000000 * CAST(sum(EffectiveCost) AS DOUBLE) / nullif(CAST(sum(ConsumedQuantity) AS DOUBLE), 0) AS DECIMAL(38,6)) AS PerMillion
FROM counted_bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND x_AiModel IS NOT NULL AND ConsumedUnit = 'Tokens'
GROUP BY x_BillingMonth, ServiceProviderName, x_AiModel, SkuMeter, BillingCurrency
ORDER BY BillingCurrency, Month, EffectiveCost DESC, ServiceProviderName, Model, Meter
