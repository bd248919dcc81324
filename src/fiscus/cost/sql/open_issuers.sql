-- Issuers of a billing month's charges whose Billing Period dataset says that it is open.
SELECT DISTINCT InvoiceIssuerName
FROM bare_charges JOIN billing_periods USING (x_BillingMonth, InvoiceIssuerName)
WHERE x_BillingMonth = $month AND BillingPeriodStatus = 'Open'
ORDER BY ALL
