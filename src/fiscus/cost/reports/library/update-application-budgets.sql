/*
title: Billed cost of applications, for their budgets
persona: Finance
question: What was each application billed in each period, so that its budget can be set?
use_case: update-application-budgets
parameters:
  first: {type: month, default: 3 months ago, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  key: {type: text, default: product, about: The tag key that names the application}
columns: {Application: text, Month: month, BillingCurrency: currency, BilledCost: money}
chart: {label: Month, value: BilledCost, series: Application}
*/
SELECT coalesce(Tags[$key], '(untagged)') AS Application, x_BillingMonth AS Month, BillingCurrency, sum(BilledCost) AS BilledCost
FROM counted_bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY 1, 2, 3
ORDER BY BillingCurrency, Month, BilledCost DESC, Application
