/*
title: Effective cost of compute
persona: FinOps
question: What does compute cost by subaccount, and under which kind of commitment?
use_case: effective-cost-compute
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {ServiceProviderName: text, SubAccountId: text, SubAccountName: text, ServiceName: text, CommitmentDiscountType: text, BillingCurrency: currency, EffectiveCost: money}
chart: {label: SubAccountName, value: EffectiveCost}
*/
SELECT ServiceProviderName, SubAccountId, SubAccountName, ServiceName,
  coalesce(CommitmentDiscountType, '(none)') AS CommitmentDiscountType, BillingCurrency, sum(EffectiveCost) AS EffectiveCost
FROM counted_bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ServiceCategory = 'Compute'
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY BillingCurrency, EffectiveCost DESC, SubAccountId, ServiceName, CommitmentDiscountType, ServiceProviderName,
  SubAccountName
