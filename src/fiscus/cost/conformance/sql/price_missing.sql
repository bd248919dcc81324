-- A SkuPriceId that the price list does not have.
-- columns: SkuPriceId
-- beside: SkuPriceId
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, BillingCurrency AS currency,
    sum(amount(EffectiveCost)) AS amount, SkuPriceId || ' is not in the price list' AS what
FROM delivery WHERE SkuPriceId IS NOT NULL AND SkuPriceId NOT IN (SELECT SkuPriceId FROM price_list WHERE SkuPriceId IS NOT NULL)
GROUP BY BillingCurrency, SkuPriceId
