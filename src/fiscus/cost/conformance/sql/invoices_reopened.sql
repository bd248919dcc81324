-- An invoice that was issued in the delivery before and is open now.
-- columns: InvoiceId InvoiceIssueStatus
-- beside: InvoiceId InvoiceIssueStatus
SELECT 'broken' AS status, min(now.x__row) AS place, count(*) AS number_of_rows, now.BillingCurrency AS currency,
    sum(TRY_CAST(now.BilledCost AS DECIMAL(38,12))) AS amount, now.InvoiceId || ' is open again' AS what
FROM delivery now
JOIN (SELECT DISTINCT InvoiceId AS id, InvoiceIssuerName AS issuer FROM previous WHERE InvoiceIssueStatus = 'Issued' AND InvoiceId IS NOT NULL)
    before ON before.id = now.InvoiceId AND coalesce(before.issuer, now.InvoiceIssuerName, '') = coalesce(now.InvoiceIssuerName, '')
WHERE now.InvoiceIssueStatus = 'Open'
GROUP BY now.InvoiceId, now.BillingCurrency
