-- BilledCost of an invoice against the invoice, within MAX(100 x subunit, SQRT(rows) x 0.5 x subunit), the tolerance of FOCUS 1.4.
-- An id that two issuers use, or that holds two currencies, is compared by issuer and currency; what names none goes with the others.
-- Of an open invoice nothing is due yet.
-- columns: InvoiceId BilledCost
-- beside: InvoiceId BilledCost
SELECT 'broken' AS status, bill.place, bill.number_of_rows, bill.currency, abs(bill.total - invoice.total) AS amount,
    bill.id || ': ' || bill.total || ' charged, ' || invoice.total || ' invoiced' AS what
FROM (SELECT *, (min(issuer) OVER (PARTITION BY id) <> max(issuer) OVER (PARTITION BY id)) IS TRUE AS issuers,
        (min(currency) OVER (PARTITION BY id) <> max(currency) OVER (PARTITION BY id)) IS TRUE AS currencies
    FROM (SELECT id, issuer, currency, sum(total) AS total, sum(number_of_rows) AS number_of_rows, min(place) AS place
        FROM (SELECT id, coalesce(issuer, min(issuer) OVER (PARTITION BY id)) AS issuer, total, number_of_rows, place,
                coalesce(currency, min(currency) OVER (PARTITION BY id)) AS currency
            FROM (SELECT InvoiceId AS id, InvoiceIssuerName AS issuer, BillingCurrency AS currency, sum(amount(BilledCost)) AS total,
                    count(*) AS number_of_rows, min(x__row) AS place
                FROM delivery WHERE InvoiceId IS NOT NULL
                GROUP BY InvoiceId, InvoiceIssuerName, BillingCurrency))
        GROUP BY id, issuer, currency)) bill
JOIN (SELECT *, (min(issuer) OVER (PARTITION BY id) <> max(issuer) OVER (PARTITION BY id)) IS TRUE AS issuers,
        (min(currency) OVER (PARTITION BY id) <> max(currency) OVER (PARTITION BY id)) IS TRUE AS currencies
    FROM (SELECT id, issuer, currency, sum(total) AS total
        FROM (SELECT id, coalesce(issuer, min(issuer) OVER (PARTITION BY id)) AS issuer, total,
                coalesce(currency, min(currency) OVER (PARTITION BY id)) AS currency
            FROM (SELECT InvoiceId AS id, InvoiceIssuerName AS issuer, BillingCurrency AS currency, sum(TRY_CAST(BilledCost AS DECIMAL(38,12))) AS total
                FROM invoice_detail WHERE InvoiceIssueStatus IS DISTINCT FROM 'Open'
                GROUP BY InvoiceId, InvoiceIssuerName, BillingCurrency))
        GROUP BY id, issuer, currency)) invoice
    ON invoice.id = bill.id AND (invoice.issuer = bill.issuer OR NOT (bill.issuers OR invoice.issuers))
        AND (invoice.currency = bill.currency OR NOT (bill.currencies OR invoice.currencies))
WHERE abs(bill.total - invoice.total) > greatest(100 * subunit(bill.currency), sqrt(bill.number_of_rows) * 0.5 * subunit(bill.currency))
