-- A commitment in a currency that its issuer never invoices.
-- columns: BillingCurrency
-- beside: BillingCurrency
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, BillingCurrency AS currency,
    sum(amount(ContractCommitmentCost)) AS amount, BillingCurrency || ' is on no invoice' AS what
FROM delivery WHERE BillingCurrency NOT IN (SELECT BillingCurrency FROM invoice_detail WHERE BillingCurrency IS NOT NULL)
GROUP BY BillingCurrency
