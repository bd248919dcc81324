-- A number among the properties of a price that is not the same on all its rows: it is not that of one PricingUnit.
-- columns: SkuPriceId SkuPriceDetails
SELECT 'broken' AS status, min(place) AS place, sum(number_of_rows)::BIGINT AS number_of_rows, NULL::VARCHAR AS currency,
    NULL::DECIMAL(38,12) AS amount, SkuPriceId || ': ' || key || ' is ' || min(value) || ' and ' || max(value) AS what
FROM (SELECT SkuPriceId, number_of_rows, place, key,
        json_extract_string(details, '$."' || replace(replace(key, '\', '\\'), '"', '\"') || '"') AS value,
        json_type(details, '$."' || replace(replace(key, '\', '\\'), '"', '\"') || '"') AS type
    FROM (SELECT SkuPriceId, json(SkuPriceDetails) AS details, number_of_rows, place, unnest(key_list(SkuPriceDetails)) AS key
        FROM (SELECT SkuPriceId, SkuPriceDetails, count(*) AS number_of_rows, min(x__row) AS place FROM delivery
            WHERE SkuPriceDetails IS NOT NULL AND SkuPriceId IS NOT NULL GROUP BY ALL)))
WHERE type IN ('DOUBLE', 'BIGINT', 'UBIGINT') GROUP BY SkuPriceId, key HAVING min(value) <> max(value)
