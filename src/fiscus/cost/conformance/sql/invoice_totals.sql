-- BilledCost of an invoice against the invoice, within MAX(100 x subunit, SQRT(rows) x 0.5 x subunit), the tolerance of FOCUS 1.4.
-- columns: InvoiceId BilledCost
-- beside: InvoiceId BilledCost
SELECT 'broken' AS status, bill.place, bill.number_of_rows, bill.currency, abs(bill.total - invoice.total) AS amount,
    bill.id || ': ' || bill.total || ' charged, ' || invoice.total || ' invoiced' AS what
FROM (SELECT InvoiceId AS id, BillingCurrency AS currency, sum(amount(BilledCost)) AS total, count(*) AS number_of_rows,
        min(x__row) AS place FROM delivery WHERE InvoiceId IS NOT NULL GROUP BY ALL) bill
JOIN (SELECT InvoiceId AS id, any_value(BillingCurrency) AS currency, sum(TRY_CAST(BilledCost AS DECIMAL(38,12))) AS total
    FROM invoice_detail GROUP BY InvoiceId) invoice ON invoice.id = bill.id
WHERE abs(bill.total - invoice.total) > greatest(100 * subunit(bill.currency), sqrt(bill.number_of_rows) * 0.5 * subunit(bill.currency))
