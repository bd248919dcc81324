-- A period that was invoiced to an account has billed charges without an InvoiceId. That it was is told by its usage: what is bought
-- is often invoiced at once, while the usage of the period is not yet.
-- columns: InvoiceId BilledCost BillingAccountId
-- turns on: InvoiceId IS NULL AND number(BilledCost) <> 0
SELECT 'broken' AS status, min(CASE WHEN InvoiceId IS NULL THEN x__row END) AS place, count_if(InvoiceId IS NULL) AS number_of_rows,
    BillingCurrency AS currency, sum(CASE WHEN InvoiceId IS NULL THEN amount(BilledCost) END) AS amount,
    coalesce(BillingAccountId, '') || ' ' || coalesce(BillingPeriodStart::VARCHAR, '') AS what
FROM delivery WHERE number(BilledCost) <> 0
GROUP BY BillingAccountId, InvoiceIssuerName, BillingPeriodStart, BillingCurrency
HAVING CASE WHEN count_if(ChargeCategory = 'Usage') > 0 THEN count_if(ChargeCategory = 'Usage' AND InvoiceId IS NOT NULL)
    ELSE count(InvoiceId) END > 0 AND count(InvoiceId) < count(*)
