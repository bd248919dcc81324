/*
title: Refunds and what was taken back
persona: Finance
question: What did vendors give back, and for which service?
parameters:
  first: {type: month, default: 11 months ago, about: First billing month}
  last: {type: month, default: this month, about: Last billing month}
columns: {ServiceProviderName: text, ServiceName: text, ChargeCategory: text, ChargeClass: text, ChargeDescription: text, Month: month, BillingCurrency: currency, BilledCost: money}
chart: {label: ServiceName, value: BilledCost}
*/
SELECT ServiceProviderName, ServiceName, ChargeCategory, ChargeClass, ChargeDescription, x_BillingMonth AS Month, BillingCurrency,
  sum(BilledCost) AS BilledCost
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND BilledCost < 0 AND ChargeCategory IN ('Usage', 'Purchase', 'Adjustment')
GROUP BY ServiceProviderName, ServiceName, ChargeCategory, ChargeClass, ChargeDescription, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, BilledCost, ServiceProviderName, ServiceName, ChargeDescription, ChargeCategory, ChargeClass
