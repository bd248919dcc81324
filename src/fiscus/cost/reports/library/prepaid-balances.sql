/*
title: Prepaid balances
persona: Finance
question: Of what was paid in advance, how much is drawn and how much is left?
columns: {ServiceProviderName: text, CommitmentDiscountId: text, CommitmentDiscountName: text, LastDay: day, BillingCurrency: currency, Paid: money, Drawn: money, Balance: money}
chart: {label: CommitmentDiscountName, value: Balance}
*/
SELECT ServiceProviderName, CommitmentDiscountId, CommitmentDiscountName, max(CAST(ChargePeriodStart AS DATE)) AS LastDay,
  BillingCurrency, sum(BilledCost) AS Paid, sum(EffectiveCost) AS Drawn, sum(BilledCost) - sum(EffectiveCost) AS Balance
FROM bare_charges
WHERE CommitmentDiscountId IS NOT NULL
GROUP BY ServiceProviderName, CommitmentDiscountId, CommitmentDiscountName, BillingCurrency
HAVING sum(BilledCost) > 0
ORDER BY BillingCurrency, Balance DESC, CommitmentDiscountId, ServiceProviderName, CommitmentDiscountName
