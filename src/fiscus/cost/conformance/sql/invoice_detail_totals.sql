-- Charges of a line of an invoice against the line, within MAX(100 x subunit, SQRT(rows) x 0.5 x subunit); open lines and taxes apart.
-- columns: InvoiceDetailId BilledCost
-- beside: InvoiceDetailId BilledCost ChargeCategory InvoiceIssueStatus
SELECT 'broken' AS status, bill.place, bill.number_of_rows, bill.currency, abs(bill.total - line.total) AS amount,
    bill.id || ': ' || bill.total || ' charged, ' || line.total || ' on the invoice' AS what
FROM (SELECT InvoiceDetailId AS id, BillingCurrency AS currency, sum(amount(BilledCost)) AS total, count(*) AS number_of_rows,
        min(x__row) AS place FROM delivery WHERE InvoiceDetailId IS NOT NULL GROUP BY ALL) bill
JOIN (SELECT InvoiceDetailId AS id, sum(TRY_CAST(BilledCost AS DECIMAL(38,12))) AS total FROM invoice_detail
    WHERE ChargeCategory <> 'Tax' AND InvoiceIssueStatus <> 'Open' GROUP BY InvoiceDetailId) line ON line.id = bill.id
WHERE abs(bill.total - line.total) > greatest(100 * subunit(bill.currency), sqrt(bill.number_of_rows) * 0.5 * subunit(bill.currency))
