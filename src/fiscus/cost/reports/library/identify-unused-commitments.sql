/*
title: Unused commitments
persona: FinOps
question: Which commitments are paid for and not used, and how much of them?
use_case: identify-unused-commitments
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
columns: {ServiceProviderName: text, BillingAccountId: text, CommitmentDiscountId: text, CommitmentDiscountName: text, CommitmentDiscountType: text, BillingCurrency: currency, Unused: money, Whole: money, UnusedShare: percent}
chart: {label: CommitmentDiscountName, value: Unused}
*/
SELECT ServiceProviderName, BillingAccountId, CommitmentDiscountId, CommitmentDiscountName, CommitmentDiscountType, BillingCurrency,
  coalesce(sum(EffectiveCost) FILTER (CommitmentDiscountStatus = 'Unused'), 0) AS Unused, sum(EffectiveCost) AS Whole,
  CAST(100 * CAST(Unused AS DOUBLE) / nullif(sum(EffectiveCost), 0) AS DECIMAL(38,2)) AS UnusedShare
FROM bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND CommitmentDiscountStatus IS NOT NULL
GROUP BY ServiceProviderName, BillingAccountId, CommitmentDiscountId, CommitmentDiscountName, CommitmentDiscountType, BillingCurrency
HAVING coalesce(sum(EffectiveCost) FILTER (CommitmentDiscountStatus = 'Unused'), 0) > 0
ORDER BY BillingCurrency, Unused DESC, CommitmentDiscountId, ServiceProviderName, BillingAccountId, CommitmentDiscountName,
  CommitmentDiscountType
