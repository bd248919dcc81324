-- What the charges say of each invoice: by its id, issuer, currency and billing month.
SELECT
    coalesce(InvoiceId, '') AS invoice_id, coalesce(InvoiceIssuerName, '') AS issuer, BillingCurrency AS currency,
    x_BillingMonth AS billing_month, count(*) AS charges, sum(BilledCost) AS billed,
    coalesce(sum(BilledCost) FILTER (ChargeCategory = 'Tax'), 0) AS tax
FROM bare_charges
WHERE x_SourceId NOT LIKE 'gateway-%'
GROUP BY ALL
ORDER BY ALL
