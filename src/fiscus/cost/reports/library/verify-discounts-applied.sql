/*
title: Discounts that were applied
persona: Procurement
question: Was each service discounted as agreed in a period that is invoiced?
use_case: verify-discounts-applied
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  provider: {type: text, default: '', about: A ServiceProviderName; all when empty}
columns: {ServiceProviderName: text, BillingAccountId: text, BillingAccountName: text, ServiceName: text, Month: month, BillingCurrency: currency, ListCost: money, BilledCost: money, EffectiveCost: money, Discount: money, DiscountShare: percent}
chart: {label: ServiceName, value: Discount}
*/
SELECT ServiceProviderName, BillingAccountId, BillingAccountName, ServiceName, x_BillingMonth AS Month, BillingCurrency,
  sum(ListCost) AS ListCost, sum(BilledCost) AS BilledCost, sum(EffectiveCost) AS EffectiveCost,
  sum(ListCost - EffectiveCost) AS Discount,  -- of what has a list price
  CAST(100 * CAST(sum(ListCost - EffectiveCost) AS DOUBLE) / nullif(sum(ListCost), 0) AS DECIMAL(38,2)) AS DiscountShare
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ChargeClass IS NULL AND ChargeCategory = 'Usage'
  AND ($provider = '' OR ServiceProviderName = $provider)
GROUP BY ServiceProviderName, BillingAccountId, BillingAccountName, ServiceName, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, Discount DESC, ServiceProviderName, BillingAccountId, ServiceName, BillingAccountName
