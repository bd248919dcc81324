-- A row that takes back exactly what a covered row of the same resource, price and period costs is a discount in a row of its own.
-- columns: CommitmentDiscountId ChargeCategory BilledCost ResourceId
-- turns on: number(BilledCost) < 0 AND ChargeCategory = 'Usage' AND ChargeClass IS NULL AND ResourceId IS NOT NULL
SELECT 'broken' AS status, min(undone.x__row) AS place, count(*) AS number_of_rows, undone.BillingCurrency AS currency,
    abs(sum(amount_of)) AS amount, undone.ResourceId || ' is taken back' AS what
FROM (SELECT *, amount(BilledCost) AS amount_of FROM delivery
    WHERE number(BilledCost) < 0 AND ChargeCategory = 'Usage' AND ChargeClass IS NULL AND ResourceId IS NOT NULL) undone
WHERE EXISTS (SELECT 1 FROM delivery covered WHERE covered.ResourceId = undone.ResourceId AND covered.SkuPriceId = undone.SkuPriceId
    AND covered.ChargePeriodStart = undone.ChargePeriodStart AND covered.ChargeCategory = 'Usage'
    AND TRY_CAST(covered.BilledCost AS DECIMAL(38,12)) = -undone.amount_of)
GROUP BY undone.BillingCurrency, undone.ResourceId
