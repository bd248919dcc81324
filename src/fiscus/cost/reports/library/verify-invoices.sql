/*
title: Billed cost by billing account
persona: Finance
question: Which sum should the invoice of each billing account show?
use_case: verify-invoices
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  provider: {type: text, default: '', about: A ServiceProviderName; all when empty}
columns: {ServiceProviderName: text, InvoiceIssuerName: text, BillingAccountId: text, BillingAccountName: text, Month: month, BillingCurrency: currency, BilledCost: money}
*/
SELECT ServiceProviderName, InvoiceIssuerName, BillingAccountId, BillingAccountName, x_BillingMonth AS Month, BillingCurrency,
  sum(BilledCost) AS BilledCost
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ($provider = '' OR ServiceProviderName = $provider)
GROUP BY ServiceProviderName, InvoiceIssuerName, BillingAccountId, BillingAccountName, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, BilledCost DESC, InvoiceIssuerName, ServiceProviderName, BillingAccountId, BillingAccountName
