/*
title: How much hangs on few vendors
persona: Procurement
question: Which vendors make up most of the bill?
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {InvoiceIssuerName: text, BillingCurrency: currency, BilledCost: money, Share: percent, Together: percent}
chart: {label: InvoiceIssuerName, value: BilledCost}
*/
WITH billed AS (
  SELECT InvoiceIssuerName, BillingCurrency, sum(BilledCost) AS BilledCost
  FROM counted_charges
  WHERE x_BillingMonth BETWEEN $first AND $last
  GROUP BY InvoiceIssuerName, BillingCurrency
)
SELECT *,
  CAST(100 * CAST(BilledCost AS DOUBLE) / nullif(sum(BilledCost) OVER (PARTITION BY BillingCurrency), 0) AS DECIMAL(38,2)) AS Share,
  CAST(100 * CAST(sum(BilledCost) OVER (PARTITION BY BillingCurrency ORDER BY BilledCost DESC, InvoiceIssuerName) AS DOUBLE)
    / nullif(sum(BilledCost) OVER (PARTITION BY BillingCurrency), 0) AS DECIMAL(38,2)) AS Together
FROM billed
ORDER BY BillingCurrency, BilledCost DESC, InvoiceIssuerName
