-- An invoice of the invoice detail that no charge here names; those of other billing periods than are here do not count.
-- columns: InvoiceId
-- beside: InvoiceId BilledCost
SELECT 'broken' AS status, NULL::BIGINT AS place, count(*) AS number_of_rows, any_value(BillingCurrency) AS currency,
    sum(TRY_CAST(BilledCost AS DECIMAL(38,12))) AS amount, 'invoice ' || InvoiceId AS what
FROM invoice_detail WHERE InvoiceId NOT IN (SELECT InvoiceId FROM delivery WHERE InvoiceId IS NOT NULL)
    AND (BillingPeriodStart IS NULL OR TRY_CAST(BillingPeriodStart AS TIMESTAMP) IN (SELECT moment(BillingPeriodStart) FROM delivery))
GROUP BY InvoiceId HAVING sum(TRY_CAST(BilledCost AS DECIMAL(38,12))) <> 0
