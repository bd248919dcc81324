/*
title: Who bills us, and on which invoice
persona: Finance
question: From which sellers, hosts and invoice issuers does billed cost come, and on which invoices?
use_case: identify-sources-of-billed-cost
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
columns: {ServiceProviderName: text, HostProviderName: text, InvoiceIssuerName: text, InvoiceId: text, BillingCurrency: currency, BilledCost: money}
chart: {label: InvoiceIssuerName, value: BilledCost}
*/
SELECT ServiceProviderName, HostProviderName, InvoiceIssuerName, InvoiceId, BillingCurrency, sum(BilledCost) AS BilledCost
FROM bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until
GROUP BY ServiceProviderName, HostProviderName, InvoiceIssuerName, InvoiceId, BillingCurrency
HAVING sum(BilledCost) <> 0
ORDER BY BillingCurrency, BilledCost DESC, ServiceProviderName, InvoiceIssuerName, InvoiceId, HostProviderName
