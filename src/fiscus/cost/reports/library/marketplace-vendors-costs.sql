/*
title: Marketplace vendors
persona: Procurement
question: What do we pay to vendors through the marketplaces of clouds, and who invoices it?
use_case: marketplace-vendors-costs
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
columns: {Marketplace: text, Seller: text, InvoiceIssuerName: text, BillingCurrency: currency, EffectiveCost: money}
chart: {label: Seller, value: EffectiveCost}
*/
SELECT HostProviderName AS Marketplace, ServiceProviderName AS Seller, InvoiceIssuerName, BillingCurrency,
  sum(EffectiveCost) AS EffectiveCost
FROM charges_1_3
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until
  AND HostProviderName <> ServiceProviderName AND ProviderName <> PublisherName
GROUP BY HostProviderName, ServiceProviderName, InvoiceIssuerName, BillingCurrency
ORDER BY BillingCurrency, EffectiveCost DESC, Seller, Marketplace, InvoiceIssuerName
