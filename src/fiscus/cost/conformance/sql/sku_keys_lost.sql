-- A property that a price had in the delivery before and has no more.
-- columns: SkuPriceId SkuPriceDetails
-- beside: SkuPriceId SkuPriceDetails
SELECT 'broken' AS status, min(now.place) AS place, sum(now.number_of_rows)::BIGINT AS number_of_rows, NULL::VARCHAR AS currency,
    NULL::DECIMAL(38,12) AS amount, now.id || ' lost ' || min(before.key) AS what
FROM (SELECT SkuPriceId AS id, list_distinct(flatten(list(key_list(SkuPriceDetails)))) AS keys, count(*) AS number_of_rows, min(x__row) AS place
    FROM delivery WHERE SkuPriceDetails IS NOT NULL GROUP BY SkuPriceId) now
JOIN (SELECT DISTINCT SkuPriceId AS id, unnest(CASE WHEN json_valid(SkuPriceDetails::VARCHAR) THEN json_keys(SkuPriceDetails::VARCHAR) END) AS key
    FROM previous WHERE SkuPriceDetails IS NOT NULL) before ON before.id = now.id
WHERE NOT list_contains(now.keys, before.key) GROUP BY now.id
