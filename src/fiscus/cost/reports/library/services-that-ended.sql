/*
title: Services that ended
persona: FinOps
question: What did we pay for and no longer do?
parameters:
  since: {type: day, default: 14 days ago, about: Ended is what was last charged before that day}
columns: {ServiceProviderName: text, ServiceName: text, SubAccountName: text, Owner: text, LastDay: day, BillingCurrency: currency, EffectiveCost: money}
*/
SELECT ServiceProviderName, ServiceName, SubAccountName, x_Owner AS Owner, max(CAST(ChargePeriodStart AS DATE)) AS LastDay,
  BillingCurrency, sum(EffectiveCost) AS EffectiveCost
FROM counted_charges
WHERE ChargeCategory = 'Usage'
GROUP BY ServiceProviderName, ServiceName, SubAccountName, x_Owner, BillingCurrency
HAVING max(ChargePeriodEnd) < CAST($since AS DATE)
ORDER BY BillingCurrency, EffectiveCost DESC, ServiceProviderName, ServiceName, SubAccountName, Owner
