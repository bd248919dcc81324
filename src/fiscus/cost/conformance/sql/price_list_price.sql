-- A ListUnitPrice that is none of the prices that the list has for the SkuPriceId.
-- columns: SkuPriceId ListUnitPrice
-- beside: SkuPriceId ListUnitPrice
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, BillingCurrency AS currency,
    sum(amount(ListCost)) AS amount, SkuPriceId || ' costs ' || min(ListUnitPrice) AS what
FROM delivery
WHERE ListUnitPrice IS NOT NULL AND SkuPriceId IN (SELECT SkuPriceId FROM price_list)
    AND NOT EXISTS (SELECT 1 FROM price_list listed WHERE listed.SkuPriceId = delivery.SkuPriceId
        AND TRY_CAST(listed.ListUnitPrice AS DECIMAL(38,18)) = TRY_CAST(delivery.ListUnitPrice AS DECIMAL(38,18)))
GROUP BY BillingCurrency, SkuPriceId
