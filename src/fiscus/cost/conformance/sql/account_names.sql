-- A BillingAccountId names one account: in a billing period it has one name and one issuer's spelling of it.
-- columns: BillingAccountId BillingAccountName
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, min(BillingCurrency) AS currency,
    CASE WHEN min(BillingCurrency) = max(BillingCurrency) THEN sum(amount(BilledCost)) END AS amount,
    BillingAccountId || ' is ' || min(BillingAccountName) || ' and ' || max(BillingAccountName) AS what
FROM delivery WHERE BillingAccountId IS NOT NULL
GROUP BY BillingAccountId, InvoiceIssuerName, BillingPeriodStart
HAVING min(BillingAccountName) <> max(BillingAccountName)
