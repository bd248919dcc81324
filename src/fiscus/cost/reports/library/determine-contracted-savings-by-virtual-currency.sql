/*
title: What negotiated prices save
persona: Procurement
question: How far below list price are our contracted prices, in money and in the currency of the price?
use_case: determine-contracted-savings-by-virtual-currency
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  top: {type: integer, default: 100, about: So many of each currency}
columns: {ServiceName: text, ServiceSubcategory: text, ChargeDescription: text, BillingCurrency: currency, ListUnitPrice: price, ContractedUnitPrice: price, PricingCurrency: currency, PricingCurrencyListUnitPrice: price, PricingCurrencyContractedUnitPrice: price, Savings: money}
*/
SELECT ServiceName, ServiceSubcategory, ChargeDescription, BillingCurrency, ListUnitPrice, ContractedUnitPrice, PricingCurrency,
  PricingCurrencyListUnitPrice, PricingCurrencyContractedUnitPrice, sum(ListCost - ContractedCost) AS Savings
FROM bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ListUnitPrice > ContractedUnitPrice
GROUP BY ServiceName, ServiceSubcategory, ChargeDescription, BillingCurrency, ListUnitPrice, ContractedUnitPrice, PricingCurrency,
  PricingCurrencyListUnitPrice, PricingCurrencyContractedUnitPrice
QUALIFY row_number() OVER (
  PARTITION BY BillingCurrency ORDER BY sum(ListCost - ContractedCost) DESC, ServiceName, ChargeDescription,
    ListUnitPrice, ServiceSubcategory, ContractedUnitPrice, PricingCurrency, PricingCurrencyListUnitPrice,
    PricingCurrencyContractedUnitPrice) <= $top
ORDER BY BillingCurrency, Savings DESC, ServiceName, ChargeDescription, ListUnitPrice, ServiceSubcategory, ContractedUnitPrice,
  PricingCurrency, PricingCurrencyListUnitPrice, PricingCurrencyContractedUnitPrice
