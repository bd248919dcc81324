/*
title: Recurring charges of commitments
persona: Finance
question: What do commitments cost that are billed again and again?
use_case: recurring-commitment-charges
parameters:
  first: {type: month, default: 11 months ago, about: First billing month}
  last: {type: month, default: this month, about: Last billing month}
columns: {Month: month, CommitmentDiscountId: text, CommitmentDiscountName: text, CommitmentDiscountType: text, ChargeFrequency: text, BillingCurrency: currency, BilledCost: money}
chart: {label: Month, value: BilledCost, series: CommitmentDiscountName}
*/
SELECT x_BillingMonth AS Month, CommitmentDiscountId, CommitmentDiscountName, CommitmentDiscountType, ChargeFrequency,
  BillingCurrency, sum(BilledCost) AS BilledCost
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND CommitmentDiscountId IS NOT NULL AND ChargeFrequency = 'Recurring'
GROUP BY x_BillingMonth, CommitmentDiscountId, CommitmentDiscountName, CommitmentDiscountType, ChargeFrequency, BillingCurrency
ORDER BY BillingCurrency, Month, BilledCost DESC, CommitmentDiscountId, CommitmentDiscountName, CommitmentDiscountType
