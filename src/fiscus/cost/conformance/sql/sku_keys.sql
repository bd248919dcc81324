-- A price whose properties come and go.
-- columns: SkuPriceId SkuPriceDetails
SELECT 'broken' AS status, min(place) AS place, sum(number_of_rows)::BIGINT AS number_of_rows, NULL::VARCHAR AS currency,
    NULL::DECIMAL(38,12) AS amount, SkuPriceId || ' has other properties elsewhere' AS what
FROM (SELECT SkuPriceId, SkuPriceDetails, count(*) AS number_of_rows, min(x__row) AS place FROM delivery
    WHERE SkuPriceDetails IS NOT NULL AND SkuPriceId IS NOT NULL GROUP BY ALL)
GROUP BY SkuPriceId HAVING count(*) > 1 AND min(list_sort(key_list(SkuPriceDetails))) <> max(list_sort(key_list(SkuPriceDetails)))
