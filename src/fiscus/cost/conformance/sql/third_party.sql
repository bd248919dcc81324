-- One charge that two issuers bill: whoever does not receive the payment bills 0. Told by equal resource, price, period and amount.
-- columns: InvoiceIssuerName BilledCost ResourceId
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, BillingCurrency AS currency,
    sum(amount(BilledCost)) / 2 AS amount, ResourceId || ': billed by ' || min(InvoiceIssuerName) || ' and ' || max(InvoiceIssuerName) AS what
FROM delivery
WHERE (SELECT min(InvoiceIssuerName) <> max(InvoiceIssuerName) FROM delivery) AND ResourceId IS NOT NULL AND number(BilledCost) <> 0
GROUP BY BillingCurrency, ResourceId, SkuPriceId, ChargePeriodStart, ChargePeriodEnd, BilledCost
HAVING min(InvoiceIssuerName) <> max(InvoiceIssuerName)
