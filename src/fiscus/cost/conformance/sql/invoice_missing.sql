-- An invoice of the invoice detail that no charge here names.
-- columns: InvoiceId
-- beside: InvoiceId BilledCost
SELECT 'broken' AS status, NULL::BIGINT AS place, count(*) AS number_of_rows, any_value(BillingCurrency) AS currency,
    sum(TRY_CAST(BilledCost AS DECIMAL(38,12))) AS amount, 'invoice ' || InvoiceId AS what
FROM invoice_detail WHERE InvoiceId NOT IN (SELECT InvoiceId FROM delivery WHERE InvoiceId IS NOT NULL)
GROUP BY InvoiceId HAVING sum(TRY_CAST(BilledCost AS DECIMAL(38,12))) <> 0
