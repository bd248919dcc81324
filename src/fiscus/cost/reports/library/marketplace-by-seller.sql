/*
title: Marketplace purchases by seller and owner
persona: Procurement
question: Who of us bought what from which seller at a marketplace, and what was billed?
parameters:
  first: {type: month, default: 11 months ago, about: First billing month}
  last: {type: month, default: this month, about: Last billing month}
columns: {Seller: text, Marketplace: text, ServiceName: text, Owner: text, Month: month, BillingCurrency: currency, BilledCost: money}
chart: {label: Month, value: BilledCost, series: Seller}
*/
SELECT ServiceProviderName AS Seller, HostProviderName AS Marketplace, ServiceName, x_Owner AS Owner, x_BillingMonth AS Month,
  BillingCurrency, sum(BilledCost) AS BilledCost
FROM charges_1_3
WHERE x_BillingMonth BETWEEN $first AND $last AND HostProviderName <> ServiceProviderName AND ProviderName <> PublisherName
GROUP BY ServiceProviderName, HostProviderName, ServiceName, x_Owner, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, BilledCost DESC, Seller, ServiceName, Owner, Marketplace
