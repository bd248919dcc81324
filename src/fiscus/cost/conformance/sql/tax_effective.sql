-- A tax costs what it bills: no commitment pays it ahead.
-- columns: ChargeCategory EffectiveCost BilledCost
-- of: ChargeCategory = 'Tax'
-- turns on: CASE WHEN ChargeCategory = 'Tax' THEN TRY_CAST(EffectiveCost AS DECIMAL(38,12)) IS DISTINCT FROM TRY_CAST(BilledCost AS DECIMAL(38,12)) END
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, BillingCurrency AS currency,
    abs(sum(amount(EffectiveCost)) - sum(amount(BilledCost))) AS amount, coalesce(InvoiceId, BillingPeriodStart::VARCHAR, '') || ': taxes' AS what
FROM delivery WHERE ChargeCategory = 'Tax' GROUP BY BillingCurrency, InvoiceId, BillingPeriodStart, BillingAccountId
HAVING abs(sum(amount(EffectiveCost)) - sum(amount(BilledCost))) > 0.01
