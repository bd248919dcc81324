/*
title: What credits were spent on
persona: FinOps
question: On which services and for what were credits or tokens spent?
use_case: determine-target-of-virtual-currency-usage
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  unit: {type: text, default: Credits, about: 'The unit, such as Credits, DBUs or Tokens'}
columns: {ServiceProviderName: text, ServiceName: text, ChargeDescription: text, Unit: text, Consumed: number, BillingCurrency: currency, EffectiveCost: money}
chart: {label: ChargeDescription, value: EffectiveCost}
*/
SELECT ServiceProviderName, ServiceName, ChargeDescription,
  CASE WHEN lower(PricingCurrency) = lower($unit) THEN PricingCurrency ELSE PricingUnit END AS Unit,
  sum(CASE WHEN lower(PricingCurrency) = lower($unit) THEN CAST(PricingCurrencyEffectiveCost AS DECIMAL(38,12))
    ELSE CAST(PricingQuantity AS DECIMAL(38,12)) END) AS Consumed,
  BillingCurrency, sum(EffectiveCost) AS EffectiveCost
FROM bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ChargeCategory = 'Usage'
  AND (lower(PricingCurrency) = lower($unit) OR lower(PricingUnit) = lower($unit))
GROUP BY 1, 2, 3, 4, 6
ORDER BY BillingCurrency, EffectiveCost DESC, ServiceProviderName, ServiceName, ChargeDescription, Unit
