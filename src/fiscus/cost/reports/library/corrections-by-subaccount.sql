/*
title: Corrections by subaccount
persona: Finance
question: What was corrected after a billing period was invoiced, and for which subaccount?
use_case: corrections-by-subaccount
parameters:
  first: {type: month, default: 11 months ago, about: First billing month}
  last: {type: month, default: this month, about: Last billing month}
columns: {ServiceProviderName: text, BillingAccountId: text, SubAccountId: text, SubAccountName: text, ServiceCategory: text, Month: month, BillingCurrency: currency, BilledCost: money}
chart: {label: SubAccountName, value: BilledCost}
*/
SELECT ServiceProviderName, BillingAccountId, SubAccountId, SubAccountName, ServiceCategory, x_BillingMonth AS Month,
  BillingCurrency, sum(BilledCost) AS BilledCost
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ChargeClass = 'Correction'
GROUP BY ServiceProviderName, BillingAccountId, SubAccountId, SubAccountName, ServiceCategory, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, BilledCost, SubAccountId, ServiceCategory, ServiceProviderName, BillingAccountId, SubAccountName
