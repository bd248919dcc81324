/*
title: Cost by service category
persona: CFO
question: On which kinds of services does the money go?
use_case: costs-service-category
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {ServiceProviderName: text, ServiceCategory: text, BillingCurrency: currency, BilledCost: money}
chart: {label: ServiceCategory, value: BilledCost}
*/
SELECT ServiceProviderName, ServiceCategory, BillingCurrency, sum(BilledCost) AS BilledCost
FROM counted_bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY ServiceProviderName, ServiceCategory, BillingCurrency
ORDER BY BillingCurrency, BilledCost DESC, ServiceProviderName, ServiceCategory
