-- A Correction whose billing period the Billing Period dataset shows as open: it corrects what was not closed. One of a period that
-- the dataset does not have stays open.
-- columns: InvoiceIssuerName ChargeClass BillingPeriodStart ChargePeriodStart
-- beside: InvoiceIssuerName BillingPeriodStart BillingPeriodEnd BillingPeriodStatus
-- waits for: the billing period of
SELECT CASE period.status WHEN 'Open' THEN 'broken' WHEN 'Closed' THEN 'kept' ELSE 'open' END AS status, min(x__row) AS place,
    count(*) AS number_of_rows, BillingCurrency AS currency, sum(amount(BilledCost)) AS amount,
    CASE period.status WHEN 'Open' THEN period.begins || ' is open'
        ELSE InvoiceIssuerName || ' ' || substr(ChargePeriodStart::VARCHAR, 1, 7) END AS what
FROM delivery LEFT JOIN (SELECT DISTINCT InvoiceIssuerName AS issuer, TRY_CAST(BillingPeriodStart AS TIMESTAMP) AS begins,
        TRY_CAST(BillingPeriodEnd AS TIMESTAMP) AS ends, BillingPeriodStatus AS status FROM billing_period) period
    ON period.issuer = delivery.InvoiceIssuerName AND moment(ChargePeriodStart) >= period.begins AND moment(ChargePeriodStart) < period.ends
WHERE ChargeClass = 'Correction' AND moment(ChargePeriodStart) IS NOT NULL AND InvoiceIssuerName IS NOT NULL
GROUP BY period.status, BillingCurrency, what
