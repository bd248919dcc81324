/*
title: Credits and tokens consumed
persona: FinOps
question: How much virtual currency was consumed in a billing period?
use_case: calculate-consumption-of-virtual-currency-within-a-billing-period
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  unit: {type: text, default: Credits, about: 'The unit, such as Credits, DBUs or Tokens'}
columns: {Month: month, ServiceProviderName: text, Unit: text, Consumed: number, BillingCurrency: currency, EffectiveCost: money}
chart: {label: ServiceProviderName, value: Consumed}
*/
SELECT x_BillingMonth AS Month, ServiceProviderName,
  CASE WHEN lower(PricingCurrency) = lower($unit) THEN PricingCurrency ELSE PricingUnit END AS Unit,
  sum(CASE WHEN lower(PricingCurrency) = lower($unit) THEN CAST(PricingCurrencyEffectiveCost AS DECIMAL(38,12))
    ELSE CAST(PricingQuantity AS DECIMAL(38,12)) END) AS Consumed,
  BillingCurrency, sum(EffectiveCost) AS EffectiveCost
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ChargeCategory = 'Usage'
  AND (lower(PricingCurrency) = lower($unit) OR lower(PricingUnit) = lower($unit))
GROUP BY 1, 2, 3, 5
ORDER BY Month, BillingCurrency, EffectiveCost DESC, ServiceProviderName, Unit
