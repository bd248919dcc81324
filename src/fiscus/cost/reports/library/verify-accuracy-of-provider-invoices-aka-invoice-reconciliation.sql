/*
title: Charges by invoice
persona: Finance
question: What do the charges of each invoice come to, and how many are on none?
use_case: verify-accuracy-of-provider-invoices-aka-invoice-reconciliation
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {InvoiceIssuerName: text, InvoiceId: text, Month: month, Charges: count, BillingCurrency: currency, BilledCost: money, Tolerance: money}
*/
SELECT InvoiceIssuerName, coalesce(InvoiceId, '(none yet)') AS InvoiceId, x_BillingMonth AS Month, count(*) AS Charges,
  BillingCurrency, sum(BilledCost) AS BilledCost,
  CAST(greatest(100, sqrt(count(*)) * 0.5) * CASE  -- the subunit of ISO 4217; the tolerance of FOCUS 1.4, Invoice Detail
    WHEN BillingCurrency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV', 'XAF', 'XOF',
      'XPF') THEN 1
    WHEN BillingCurrency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 0.001 ELSE 0.01 END AS DECIMAL(28,3)) AS Tolerance
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY 1, 2, 3, 5
ORDER BY BillingCurrency, Month, BilledCost DESC, InvoiceIssuerName, InvoiceId
