/*
title: Cost by service category and subcategory
persona: FinOps
question: On which kinds of services does the money go, one step finer?
use_case: report-costs-by-service-category-and-subcategory
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {ServiceProviderName: text, ServiceCategory: text, ServiceSubcategory: text, BillingCurrency: currency, BilledCost: money}
chart: {label: ServiceSubcategory, value: BilledCost}
*/
SELECT ServiceProviderName, ServiceCategory, coalesce(ServiceSubcategory, '(not told)') AS ServiceSubcategory, BillingCurrency,
  sum(BilledCost) AS BilledCost
FROM counted_bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY 1, 2, 3, 4
ORDER BY BillingCurrency, BilledCost DESC, ServiceProviderName, ServiceCategory, ServiceSubcategory
