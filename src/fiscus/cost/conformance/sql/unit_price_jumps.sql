-- A unit price that moves from one day to the next by more than a fifth, and by more than three times what is usual in this delivery.
-- Each account has its own prices; a Dynamic price is there to move.
-- columns: SkuPriceId ContractedUnitPrice ChargePeriodStart
WITH daily AS (
    SELECT SkuPriceId AS sku, BillingCurrency AS currency, BillingAccountId AS account, CAST(moment(ChargePeriodStart) AS DATE) AS day,
        min(number(ContractedUnitPrice)) AS price, min(x__row) AS place, count(*) AS number_of_rows, sum(amount(EffectiveCost)) AS amount
    FROM delivery WHERE number(ContractedUnitPrice) > 0 AND SkuPriceId IS NOT NULL AND ChargeClass IS DISTINCT FROM 'Correction'
        AND PricingCategory IS DISTINCT FROM 'Dynamic'
    GROUP BY ALL),
moved AS (
    SELECT *, lag(price) OVER (PARTITION BY sku, currency, account ORDER BY day) AS before,
        abs(price / lag(price) OVER (PARTITION BY sku, currency, account ORDER BY day) - 1) AS change
    FROM daily)
SELECT 'broken' AS status, place, number_of_rows, currency, amount,
    sku || ' went from ' || before || ' to ' || price || ' on ' || day AS what
FROM moved
WHERE change > greatest(0.2, 3 * (SELECT coalesce(quantile_disc(change, 0.95), 0) FROM moved WHERE change > 0 AND change <= 0.2))
