/*
title: Cover by commitments
persona: FinOps
question: How much of the usage that a commitment could cover is covered, by service?
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {ServiceProviderName: text, ServiceName: text, BillingCurrency: currency, Covered: money, OnDemand: money, EffectiveCost: money, Coverage: percent}
chart: {label: ServiceName, value: Coverage}
*/
SELECT ServiceProviderName, ServiceName, BillingCurrency,
  coalesce(sum(EffectiveCost) FILTER (CommitmentDiscountStatus = 'Used'), 0) AS Covered,
  coalesce(sum(EffectiveCost) FILTER (CommitmentDiscountStatus IS NULL), 0) AS OnDemand,
  coalesce(sum(EffectiveCost) FILTER (CommitmentDiscountStatus IS DISTINCT FROM 'Unused'), 0) AS EffectiveCost,
  CAST(100 * CAST(Covered AS DOUBLE)
    / nullif(sum(EffectiveCost) FILTER (CommitmentDiscountStatus IS DISTINCT FROM 'Unused'), 0) AS DECIMAL(38,2)) AS Coverage
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ChargeCategory = 'Usage'
GROUP BY ServiceProviderName, ServiceName, BillingCurrency
HAVING count(CommitmentDiscountStatus) > 0
ORDER BY BillingCurrency, EffectiveCost DESC, ServiceProviderName, ServiceName
