-- Billing periods of one issuer that overlap.
-- columns: InvoiceIssuerName BillingPeriodStart BillingPeriodEnd
SELECT 'broken' AS status, place, 1 AS number_of_rows, NULL::VARCHAR AS currency, NULL::DECIMAL(38,12) AS amount,
    issuer || ' ' || begins::VARCHAR AS what
FROM (SELECT x__row AS place, InvoiceIssuerName AS issuer, moment(BillingPeriodStart) AS begins,
        max(moment(BillingPeriodEnd)) OVER (PARTITION BY InvoiceIssuerName ORDER BY moment(BillingPeriodStart), x__row
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM delivery)
WHERE begins < before
