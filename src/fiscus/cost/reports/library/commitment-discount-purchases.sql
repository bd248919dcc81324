/*
title: Commitments bought
persona: Procurement
question: Which commitments were bought, how often are they billed, and what was billed for them?
use_case: commitment-discount-purchases
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
columns: {ServiceProviderName: text, BillingAccountId: text, CommitmentDiscountId: text, CommitmentDiscountName: text, CommitmentDiscountType: text, CommitmentDiscountUnit: text, CommitmentDiscountQuantity: number, ChargeFrequency: text, BillingCurrency: currency, BilledCost: money}
chart: {label: CommitmentDiscountName, value: BilledCost}
*/
SELECT ServiceProviderName, BillingAccountId, CommitmentDiscountId, CommitmentDiscountName, CommitmentDiscountType,
  CommitmentDiscountUnit, sum(CommitmentDiscountQuantity) AS CommitmentDiscountQuantity, ChargeFrequency, BillingCurrency,
  sum(BilledCost) AS BilledCost
FROM bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ChargeCategory = 'Purchase'
  AND CommitmentDiscountId IS NOT NULL
GROUP BY ServiceProviderName, BillingAccountId, CommitmentDiscountId, CommitmentDiscountName, CommitmentDiscountType,
  CommitmentDiscountUnit, ChargeFrequency, BillingCurrency
ORDER BY BillingCurrency, BilledCost DESC, CommitmentDiscountId, ServiceProviderName, BillingAccountId, CommitmentDiscountName,
  CommitmentDiscountType, CommitmentDiscountUnit, ChargeFrequency
