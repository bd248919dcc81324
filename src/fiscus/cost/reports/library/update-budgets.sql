/*
title: Billed cost of providers, for their budgets
persona: Finance
question: What did each provider bill in each period, so that its budget can be set?
use_case: update-budgets
parameters:
  first: {type: month, default: 3 months ago, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {ServiceProviderName: text, Month: month, BillingCurrency: currency, BilledCost: money}
chart: {label: Month, value: BilledCost, series: ServiceProviderName}
*/
SELECT ServiceProviderName, x_BillingMonth AS Month, BillingCurrency, sum(BilledCost) AS BilledCost
FROM counted_bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY ServiceProviderName, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, BilledCost DESC, ServiceProviderName
