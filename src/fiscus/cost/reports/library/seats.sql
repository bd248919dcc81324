/*
title: Seats and subscriptions
persona: Procurement
question: How many seats do we pay for, at what price, and for whom?
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {ServiceProviderName: text, ServiceName: text, PricingUnit: text, Owner: text, Month: month, PricingQuantity: number, ContractedUnitPrice: price, BillingCurrency: currency, BilledCost: money}
chart: {label: ServiceName, value: BilledCost}
*/
SELECT ServiceProviderName, ServiceName, PricingUnit, x_Owner AS Owner, x_BillingMonth AS Month,
  sum(PricingQuantity) AS PricingQuantity, ContractedUnitPrice, BillingCurrency, sum(BilledCost) AS BilledCost
FROM counted_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ChargeCategory = 'Purchase' AND CommitmentDiscountId IS NULL
GROUP BY ServiceProviderName, ServiceName, PricingUnit, x_Owner, x_BillingMonth, ContractedUnitPrice, BillingCurrency
ORDER BY BillingCurrency, Month, BilledCost DESC, ServiceProviderName, ServiceName, Owner, PricingUnit, ContractedUnitPrice
