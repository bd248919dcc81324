/*
title: Unit prices that changed
persona: Procurement
question: Which prices did vendors change from one month to the next, and what does it cost us?
parameters:
  month: {type: month, default: last month, about: The billing month}
  before: {type: month, default: 2 months ago, about: The month that it is held against}
columns: {ServiceProviderName: text, SkuId: text, SkuPriceId: text, RegionId: text, PricingUnit: text, Before: price, Now: price, ChangeShare: percent, PricingQuantity: number, BillingCurrency: currency, Difference: money}
chart: {label: SkuId, value: Difference}
*/
WITH priced AS (
  SELECT ServiceProviderName, SkuId, SkuPriceId, RegionId, PricingCategory, PricingUnit, BillingCurrency, x_BillingMonth AS Month,
    quantile_disc(ContractedUnitPrice, 0.5) AS Price, CAST(sum(PricingQuantity) AS DECIMAL(38,6)) AS PricingQuantity
  FROM bare_charges
  WHERE x_BillingMonth IN ($month, $before) AND ContractedUnitPrice > 0 AND SkuPriceId IS NOT NULL AND ChargeClass IS NULL
  GROUP BY ServiceProviderName, SkuId, SkuPriceId, RegionId, PricingCategory, PricingUnit, BillingCurrency, x_BillingMonth
)
SELECT now.ServiceProviderName, now.SkuId, now.SkuPriceId, now.RegionId, now.PricingUnit, was.Price AS Before, now.Price AS Now,
  CAST(100 * (CAST(now.Price AS DOUBLE) / was.Price - 1) AS DECIMAL(38,2)) AS ChangeShare, now.PricingQuantity, now.BillingCurrency,
  CAST(CAST(now.Price - was.Price AS DOUBLE) * now.PricingQuantity AS DECIMAL(38,2)) AS Difference
FROM priced now
JOIN priced was ON was.SkuPriceId = now.SkuPriceId AND was.ServiceProviderName = now.ServiceProviderName
  AND was.PricingUnit = now.PricingUnit AND was.BillingCurrency = now.BillingCurrency
  AND was.RegionId IS NOT DISTINCT FROM now.RegionId AND was.PricingCategory IS NOT DISTINCT FROM now.PricingCategory
WHERE now.Month = $month AND was.Month = $before AND abs(now.Price - was.Price) > was.Price * 0.001
ORDER BY now.BillingCurrency, abs(Difference) DESC, now.ServiceProviderName, now.SkuPriceId, now.RegionId, now.SkuId,
  now.PricingUnit, now.PricingCategory
