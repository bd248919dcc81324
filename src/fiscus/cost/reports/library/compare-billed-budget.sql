/*
title: Subaccounts against a sum
persona: Finance
question: Which subaccounts were billed more than a sum that you name?
use_case: compare-billed-budget
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  budget: {type: decimal, default: 5000, about: The sum}
  currency: {type: text, default: USD, about: Its currency}
columns: {ServiceProviderName: text, SubAccountId: text, SubAccountName: text, BillingCurrency: currency, BilledCost: money, Over: money}
chart: {label: SubAccountName, value: Over}
*/
SELECT ServiceProviderName, SubAccountId, SubAccountName, BillingCurrency, sum(BilledCost) AS BilledCost,
  sum(BilledCost) - CAST($budget AS DECIMAL(28,12)) AS Over
FROM counted_bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND BillingCurrency = $currency
GROUP BY ServiceProviderName, SubAccountId, SubAccountName, BillingCurrency
HAVING sum(BilledCost) > CAST($budget AS DECIMAL(28,12))
ORDER BY Over DESC, ServiceProviderName, SubAccountId, SubAccountName
