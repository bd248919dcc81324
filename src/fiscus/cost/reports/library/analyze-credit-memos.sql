/*
title: Credit memos by invoice
persona: Finance
question: Which credits came on which invoice?
use_case: analyze-credit-memos
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  provider: {type: text, default: '', about: A ServiceProviderName; all when empty}
columns: {ServiceProviderName: text, InvoiceId: text, Month: month, ChargeDescription: text, BillingCurrency: currency, BilledCost: money}
*/
SELECT ServiceProviderName, InvoiceId, x_BillingMonth AS Month, ChargeDescription, BillingCurrency, sum(BilledCost) AS BilledCost
FROM bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ChargeCategory = 'Credit'
  AND ($provider = '' OR ServiceProviderName = $provider)
GROUP BY ServiceProviderName, InvoiceId, x_BillingMonth, ChargeDescription, BillingCurrency
ORDER BY BillingCurrency, BilledCost, ServiceProviderName, InvoiceId, ChargeDescription, Month
