-- A billing period that an issuer has twice.
-- columns: InvoiceIssuerName BillingPeriodStart
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, NULL::VARCHAR AS currency, NULL::DECIMAL(38,12) AS amount,
    InvoiceIssuerName || ' ' || BillingPeriodStart::VARCHAR AS what
FROM delivery GROUP BY InvoiceIssuerName, BillingPeriodStart HAVING count(*) > 1
