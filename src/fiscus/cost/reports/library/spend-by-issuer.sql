/*
title: What we pay to whom
persona: CFO
question: To whom do we pay how much, month by month?
parameters:
  first: {type: month, default: 3 months ago, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {InvoiceIssuerName: text, Month: month, BillingCurrency: currency, BilledCost: money}
chart: {label: Month, value: BilledCost, series: InvoiceIssuerName}
*/
SELECT InvoiceIssuerName, x_BillingMonth AS Month, BillingCurrency, sum(BilledCost) AS BilledCost
FROM counted_bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY InvoiceIssuerName, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, BilledCost DESC, InvoiceIssuerName
