-- Tax on costs that are not billed: where nothing is levied on, ContractedCost of the tax is its BilledCost; else it has its sign.
-- columns: ChargeCategory ContractedCost BilledCost
-- of: ChargeCategory = 'Tax'
-- turns on: CASE WHEN ChargeCategory = 'Tax' THEN TRY_CAST(ContractedCost AS DECIMAL(38,12)) IS DISTINCT FROM TRY_CAST(BilledCost AS DECIMAL(38,12)) END
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, BillingCurrency AS currency,
    abs(sum(amount(ContractedCost)) - sum(amount(BilledCost))) AS amount, coalesce(InvoiceId, BillingPeriodStart::VARCHAR, '') || ': taxes' AS what
FROM delivery WHERE ChargeCategory = 'Tax' GROUP BY BillingCurrency, InvoiceId, BillingPeriodStart, BillingAccountId
HAVING sum(amount(ContractedCost)) * sum(amount(BilledCost)) < 0 OR (sum(amount(ContractedCost)) = 0) <> (sum(amount(BilledCost)) = 0)
