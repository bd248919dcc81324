/*
title: Services that are new
persona: FinOps
question: What do we pay for since lately that we never paid for before?
parameters:
  since: {type: day, default: 30 days ago, about: New is what was first charged on or after that day}
columns: {ServiceProviderName: text, ServiceName: text, SubAccountName: text, Owner: text, FirstDay: day, BillingCurrency: currency, EffectiveCost: money}
chart: {label: ServiceName, value: EffectiveCost}
*/
SELECT ServiceProviderName, ServiceName, SubAccountName, x_Owner AS Owner, min(CAST(ChargePeriodStart AS DATE)) AS FirstDay,
  BillingCurrency, sum(EffectiveCost) AS EffectiveCost
FROM counted_charges
WHERE ChargeCategory IN ('Usage', 'Purchase')
GROUP BY ServiceProviderName, ServiceName, SubAccountName, x_Owner, BillingCurrency
HAVING min(ChargePeriodStart) >= CAST($since AS DATE)
ORDER BY BillingCurrency, EffectiveCost DESC, ServiceProviderName, ServiceName, SubAccountName, Owner
