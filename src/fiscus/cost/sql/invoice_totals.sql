-- What the Invoice Detail dataset says of each invoice. A line that two sources deliver is one line; a voided one is none.
-- Its tax is not known where a line does not say what it is of.
WITH lines AS (
    SELECT * FROM invoice_details
    WHERE coalesce(InvoiceIssueStatus, 'Issued') <> 'Voided'
    QUALIFY row_number() OVER (PARTITION BY InvoiceIssuerName, InvoiceId, InvoiceDetailId ORDER BY x_SourceId) = 1
)
SELECT
    InvoiceId AS invoice_id, InvoiceIssuerName AS issuer, BillingCurrency AS currency, x_BillingMonth AS billing_month,
    sum(BilledCost) AS amount,
    CASE WHEN count(ChargeCategory) = count(*) THEN coalesce(sum(BilledCost) FILTER (ChargeCategory = 'Tax'), 0) END AS tax,
    'invoice_detail' AS held, coalesce(bool_or(InvoiceIssueStatus = 'Open'), false) AS is_open
FROM lines
GROUP BY ALL
ORDER BY ALL
