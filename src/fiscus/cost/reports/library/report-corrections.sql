/*
title: Corrections by service
persona: Finance
question: What was corrected after a billing period was invoiced, and of which service?
use_case: report-corrections
parameters:
  first: {type: month, default: 11 months ago, about: First billing month}
  last: {type: month, default: this month, about: Last billing month}
columns: {ServiceProviderName: text, BillingAccountId: text, ChargeCategory: text, ServiceCategory: text, ServiceName: text, Month: month, BillingCurrency: currency, BilledCost: money}
chart: {label: ServiceName, value: BilledCost}
*/
SELECT ServiceProviderName, BillingAccountId, ChargeCategory, ServiceCategory, ServiceName, x_BillingMonth AS Month,
  BillingCurrency, sum(BilledCost) AS BilledCost
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ChargeClass = 'Correction'
GROUP BY ServiceProviderName, BillingAccountId, ChargeCategory, ServiceCategory, ServiceName, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, BilledCost, ServiceName, ChargeCategory, ServiceProviderName, BillingAccountId, ServiceCategory
