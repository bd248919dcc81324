-- A tax is levied on what charges cost. Where all of an account's period bill what they cost, its EffectiveCost is its BilledCost;
-- where some do not (what is paid ahead, and what that covers), it may differ, and has its sign.
-- columns: ChargeCategory EffectiveCost BilledCost
-- of: ChargeCategory = 'Tax'
-- turns on: CASE WHEN ChargeCategory = 'Tax' THEN TRY_CAST(EffectiveCost AS DECIMAL(38,12)) IS DISTINCT FROM TRY_CAST(BilledCost AS DECIMAL(38,12)) END
SELECT 'broken' AS status, place, number_of_rows, tax.currency, abs(effective - billed) AS amount, what
FROM (SELECT min(x__row) AS place, count(*) AS number_of_rows, BillingCurrency AS currency, BillingAccountId AS account,
        BillingPeriodStart AS period, sum(amount(EffectiveCost)) AS effective, sum(amount(BilledCost)) AS billed,
        coalesce(InvoiceId, BillingPeriodStart::VARCHAR, '') || ': taxes' AS what
    FROM delivery WHERE ChargeCategory = 'Tax' GROUP BY BillingCurrency, InvoiceId, BillingPeriodStart, BillingAccountId) tax
LEFT JOIN (SELECT DISTINCT BillingCurrency AS currency, BillingAccountId AS account, BillingPeriodStart AS period, true AS ahead
    FROM whole_delivery WHERE ChargeCategory <> 'Tax' AND number(EffectiveCost) <> number(BilledCost)) levied
    ON levied.currency IS NOT DISTINCT FROM tax.currency AND levied.account IS NOT DISTINCT FROM tax.account
        AND levied.period IS NOT DISTINCT FROM tax.period
WHERE CASE WHEN ahead THEN effective * billed < 0 ELSE abs(effective - billed) > greatest(0.01, subunit(tax.currency)) END
