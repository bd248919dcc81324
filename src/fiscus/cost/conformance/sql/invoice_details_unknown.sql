-- An InvoiceDetailId that no line of the invoice detail has.
-- columns: InvoiceDetailId
-- beside: InvoiceDetailId
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, BillingCurrency AS currency,
    sum(amount(BilledCost)) AS amount, InvoiceDetailId || ' is unknown' AS what
FROM delivery
WHERE InvoiceDetailId IS NOT NULL AND InvoiceDetailId NOT IN (SELECT InvoiceDetailId FROM invoice_detail WHERE InvoiceDetailId IS NOT NULL)
GROUP BY InvoiceDetailId, BillingCurrency
