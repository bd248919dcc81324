-- Spend of the month in each billing currency; never added up.
SELECT
    BillingCurrency AS currency,
    sum(EffectiveCost) AS effective_cost,
    sum(BilledCost) AS billed_cost,
    sum(CASE WHEN ChargeCategory = 'Tax' THEN EffectiveCost ELSE 0 END) AS tax,
    sum(CASE WHEN ChargeCategory = 'Credit' THEN EffectiveCost ELSE 0 END) AS credits,
    count(*) AS charges
FROM counted_charges
WHERE ChargePeriodStart >= $start AND ChargePeriodStart < $until
GROUP BY ALL
ORDER BY currency
