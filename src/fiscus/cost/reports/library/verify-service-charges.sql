/*
title: Services by billing account
persona: Finance
question: Do the services that each billing account was billed for agree with what we know?
use_case: verify-service-charges
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  service: {type: text, default: '', about: A ServiceName; all when empty}
columns: {ServiceProviderName: text, BillingAccountId: text, BillingAccountName: text, ServiceName: text, Month: month, BillingCurrency: currency, BilledCost: money}
chart: {label: ServiceName, value: BilledCost}
*/
SELECT ServiceProviderName, BillingAccountId, BillingAccountName, ServiceName, x_BillingMonth AS Month, BillingCurrency,
  sum(BilledCost) AS BilledCost
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ($service = '' OR ServiceName = $service)
GROUP BY ServiceProviderName, BillingAccountId, BillingAccountName, ServiceName, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, BilledCost DESC, ServiceProviderName, BillingAccountId, ServiceName, BillingAccountName
