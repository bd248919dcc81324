/*
title: Credits and tokens bought
persona: Procurement
question: How much virtual currency did we buy, and what did it cost?
use_case: analyze-purchase-of-virtual-currency
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  unit: {type: text, default: Credits, about: 'The PricingUnit, such as Credits, DBUs or Tokens'}
columns: {ServiceProviderName: text, InvoiceIssuerName: text, ChargeDescription: text, PricingUnit: text, PricingQuantity: number, BillingCurrency: currency, BilledCost: money}
*/
SELECT ServiceProviderName, InvoiceIssuerName, ChargeDescription, PricingUnit, sum(PricingQuantity) AS PricingQuantity,
  BillingCurrency, sum(BilledCost) AS BilledCost
FROM bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ChargeCategory = 'Purchase'
  AND lower(PricingUnit) = lower($unit)
GROUP BY ServiceProviderName, InvoiceIssuerName, ChargeDescription, PricingUnit, BillingCurrency
ORDER BY BillingCurrency, BilledCost DESC, ServiceProviderName, ChargeDescription, InvoiceIssuerName, PricingUnit
