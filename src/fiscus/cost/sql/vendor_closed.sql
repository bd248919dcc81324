-- Months of a source whose every invoice issuer calls them closed, by the Billing Period dataset of whatever source.
WITH billed AS (SELECT DISTINCT x_SourceId, x_BillingMonth, InvoiceIssuerName FROM bare_charges),
closed AS (
    SELECT x_BillingMonth, InvoiceIssuerName FROM billing_periods
    GROUP BY ALL HAVING bool_and(BillingPeriodStatus = 'Closed')
)
SELECT x_SourceId, x_BillingMonth
FROM billed LEFT JOIN closed USING (x_BillingMonth, InvoiceIssuerName)
GROUP BY ALL
HAVING bool_and(closed.InvoiceIssuerName IS NOT NULL)
ORDER BY ALL
