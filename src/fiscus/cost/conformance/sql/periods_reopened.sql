-- A billing period that was closed in the delivery before and is open now.
-- columns: InvoiceIssuerName BillingPeriodStart BillingPeriodStatus
-- beside: InvoiceIssuerName BillingPeriodStart BillingPeriodStatus
SELECT 'broken' AS status, min(now.x__row) AS place, count(*) AS number_of_rows, NULL::VARCHAR AS currency, NULL::DECIMAL(38,12) AS amount,
    now.InvoiceIssuerName || ' ' || now.BillingPeriodStart::VARCHAR AS what
FROM delivery now JOIN previous before ON before.InvoiceIssuerName = now.InvoiceIssuerName
    AND TRY_CAST(before.BillingPeriodStart AS TIMESTAMP) = TRY_CAST(now.BillingPeriodStart AS TIMESTAMP)
WHERE before.BillingPeriodStatus = 'Closed' AND now.BillingPeriodStatus = 'Open' GROUP BY now.InvoiceIssuerName, now.BillingPeriodStart
