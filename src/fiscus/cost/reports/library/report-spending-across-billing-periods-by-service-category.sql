/*
title: Service categories across billing periods
persona: Finance
question: How does each billing account's spending on each kind of service move over the billing periods?
use_case: report-spending-across-billing-periods-by-service-category
parameters:
  first: {type: month, default: 11 months ago, about: First billing month}
  last: {type: month, default: this month, about: Last billing month}
  provider: {type: text, default: '', about: A ServiceProviderName; all when empty}
columns: {ServiceProviderName: text, BillingAccountId: text, BillingAccountName: text, ServiceCategory: text, Month: month, BillingCurrency: currency, BilledCost: money}
chart: {label: Month, value: BilledCost, series: ServiceCategory}
*/
SELECT ServiceProviderName, BillingAccountId, BillingAccountName, ServiceCategory, x_BillingMonth AS Month, BillingCurrency,
  sum(BilledCost) AS BilledCost
FROM counted_bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ($provider = '' OR ServiceProviderName = $provider)
GROUP BY ServiceProviderName, BillingAccountId, BillingAccountName, ServiceCategory, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, BilledCost DESC, ServiceProviderName, BillingAccountId, ServiceCategory, BillingAccountName
