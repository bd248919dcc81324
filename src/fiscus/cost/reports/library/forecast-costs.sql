/*
title: Usage and rates of the past
persona: Finance
question: How much was used at which rate, month by month, as the ground for a forecast?
use_case: forecast-costs
parameters:
  first: {type: month, default: 3 months ago, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  service: {type: text, default: '', about: A ServiceName; all when empty}
columns: {Month: month, ServiceProviderName: text, ServiceCategory: text, ServiceName: text, RegionId: text, RegionName: text, PricingUnit: text, PricingQuantity: number, BillingCurrency: currency, EffectiveCost: money, Rate: price}
*/
SELECT x_BillingMonth AS Month, ServiceProviderName, ServiceCategory, ServiceName, RegionId, RegionName, PricingUnit,
  sum(PricingQuantity) AS PricingQuantity, BillingCurrency, sum(EffectiveCost) AS EffectiveCost,
  CAST(CAST(sum(EffectiveCost) AS DOUBLE) / nullif(CAST(sum(PricingQuantity) AS DOUBLE), 0) AS DECIMAL(38,9)) AS Rate
FROM counted_bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND PricingQuantity IS NOT NULL AND ($service = '' OR ServiceName = $service)
GROUP BY x_BillingMonth, ServiceProviderName, ServiceCategory, ServiceName, RegionId, RegionName, PricingUnit, BillingCurrency
ORDER BY BillingCurrency, Month, EffectiveCost DESC, ServiceProviderName, ServiceName, RegionId, PricingUnit, ServiceCategory,
  RegionName
