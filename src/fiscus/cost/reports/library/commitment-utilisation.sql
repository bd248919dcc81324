/*
title: Use of commitments
persona: FinOps
question: How much of each commitment is used, month by month?
parameters:
  first: {type: month, default: 3 months ago, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {Month: month, ServiceProviderName: text, CommitmentDiscountId: text, CommitmentDiscountName: text, BillingCurrency: currency, Used: money, Unused: money, EffectiveCost: money, Utilisation: percent}
chart: {label: CommitmentDiscountName, value: Utilisation}
*/
SELECT x_BillingMonth AS Month, ServiceProviderName, CommitmentDiscountId, CommitmentDiscountName, BillingCurrency,
  coalesce(sum(EffectiveCost) FILTER (CommitmentDiscountStatus = 'Used'), 0) AS Used,
  coalesce(sum(EffectiveCost) FILTER (CommitmentDiscountStatus = 'Unused'), 0) AS Unused, sum(EffectiveCost) AS EffectiveCost,
  CAST(100 * CAST(Used AS DOUBLE) / nullif(sum(EffectiveCost), 0) AS DECIMAL(38,2)) AS Utilisation
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND CommitmentDiscountStatus IS NOT NULL
GROUP BY x_BillingMonth, ServiceProviderName, CommitmentDiscountId, CommitmentDiscountName, BillingCurrency
ORDER BY BillingCurrency, Month, EffectiveCost DESC, CommitmentDiscountId, ServiceProviderName, CommitmentDiscountName
