/*
title: Charges by application in every currency
persona: FinOps
question: What does each application cost, in each currency that it is billed in?
use_case: allocate-application-multi-currency
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  key: {type: text, default: product, about: The tag key that names the application}
columns: {Application: text, BillingAccountId: text, BillingAccountName: text, BillingCurrency: currency, BilledCost: money}
chart: {label: Application, value: BilledCost}
*/
SELECT coalesce(Tags[$key], '(untagged)') AS Application, BillingAccountId, BillingAccountName, BillingCurrency,
  sum(BilledCost) AS BilledCost
FROM counted_bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY 1, 2, 3, 4
ORDER BY BillingCurrency, BilledCost DESC, Application, BillingAccountId, BillingAccountName
