/*
title: Effective savings rate
persona: CFO
question: How much less than list price do we pay, by negotiation and by commitment?
use_case: effective-savings-rate
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
columns: {ServiceProviderName: text, BillingCurrency: currency, ListCost: money, ContractedCost: money, EffectiveCost: money, NegotiatedSavings: money, CommitmentSavings: money, Rate: percent}
chart: {label: ServiceProviderName, value: Rate}
*/
-- Where no contracted cost is told, nothing is said to be negotiated: the two savings come to all of it.
SELECT ServiceProviderName, BillingCurrency, sum(ListCost) AS ListCost, sum(coalesce(ContractedCost, ListCost)) AS ContractedCost,
  sum(EffectiveCost) AS EffectiveCost, sum(ListCost) - sum(coalesce(ContractedCost, ListCost)) AS NegotiatedSavings,
  sum(coalesce(ContractedCost, ListCost)) - sum(EffectiveCost) AS CommitmentSavings,
  CAST(100 * CAST(sum(ListCost) - sum(EffectiveCost) AS DOUBLE) / nullif(sum(ListCost), 0) AS DECIMAL(38,2)) AS Rate
FROM counted_bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ChargeCategory = 'Usage' AND ListCost IS NOT NULL
GROUP BY ServiceProviderName, BillingCurrency
ORDER BY BillingCurrency, ListCost DESC, ServiceProviderName
