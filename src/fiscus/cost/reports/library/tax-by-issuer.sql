/*
title: Tax by invoice issuer
persona: Finance
question: How much tax is on each issuer's invoices, and what share of what they bill?
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {InvoiceIssuerName: text, Month: month, BillingCurrency: currency, Net: money, Tax: money, Gross: money, TaxShare: percent}
chart: {label: InvoiceIssuerName, value: Tax}
*/
SELECT InvoiceIssuerName, x_BillingMonth AS Month, BillingCurrency,
  coalesce(sum(BilledCost) FILTER (ChargeCategory <> 'Tax'), 0) AS Net,
  coalesce(sum(BilledCost) FILTER (ChargeCategory = 'Tax'), 0) AS Tax, sum(BilledCost) AS Gross,
  CAST(100 * CAST(Tax AS DOUBLE) / nullif(sum(BilledCost) FILTER (ChargeCategory <> 'Tax'), 0) AS DECIMAL(38,2)) AS TaxShare
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY InvoiceIssuerName, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, Tax DESC, InvoiceIssuerName
