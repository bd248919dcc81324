-- A Correction whose billing period the Billing Period dataset shows as open: it corrects what was not closed.
-- columns: InvoiceIssuerName ChargeClass BillingPeriodStart ChargePeriodStart
-- beside: InvoiceIssuerName BillingPeriodStart BillingPeriodEnd BillingPeriodStatus
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, BillingCurrency AS currency,
    sum(amount(BilledCost)) AS amount, period.begins || ' is open' AS what
FROM delivery JOIN (SELECT DISTINCT InvoiceIssuerName AS issuer, TRY_CAST(BillingPeriodStart AS TIMESTAMP) AS begins, TRY_CAST(BillingPeriodEnd AS TIMESTAMP) AS ends
        FROM billing_period WHERE BillingPeriodStatus = 'Open') period
    ON period.issuer = delivery.InvoiceIssuerName AND moment(ChargePeriodStart) >= period.begins AND moment(ChargePeriodStart) < period.ends
WHERE ChargeClass = 'Correction' GROUP BY period.begins, BillingCurrency
