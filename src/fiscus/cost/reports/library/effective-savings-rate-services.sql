/*
title: Effective savings rate by service
persona: FinOps
question: On which services do we pay less than list price, and on which not?
use_case: effective-savings-rate-services
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  provider: {type: text, default: '', about: A ServiceProviderName; all when empty}
columns: {ServiceProviderName: text, ServiceName: text, BillingCurrency: currency, ListCost: money, ContractedCost: money, EffectiveCost: money, Savings: money, Rate: percent}
chart: {label: ServiceName, value: Savings}
*/
SELECT ServiceProviderName, ServiceName, BillingCurrency, sum(ListCost) AS ListCost, sum(coalesce(ContractedCost, ListCost)) AS ContractedCost,
  sum(EffectiveCost) AS EffectiveCost, sum(ListCost) - sum(EffectiveCost) AS Savings,
  CAST(100 * CAST(sum(ListCost) - sum(EffectiveCost) AS DOUBLE) / nullif(sum(ListCost), 0) AS DECIMAL(38,2)) AS Rate
FROM counted_bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ChargeCategory = 'Usage' AND ListCost IS NOT NULL
  AND ($provider = '' OR ServiceProviderName = $provider)
GROUP BY ServiceProviderName, ServiceName, BillingCurrency
ORDER BY BillingCurrency, Savings DESC, ServiceProviderName, ServiceName
