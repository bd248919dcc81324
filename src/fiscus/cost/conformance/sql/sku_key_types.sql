-- A property that is a number for one price and text for another.
-- columns: SkuPriceDetails
SELECT 'broken' AS status, min(place) AS place, sum(number_of_rows)::BIGINT AS number_of_rows, NULL::VARCHAR AS currency,
    NULL::DECIMAL(38,12) AS amount, key || ' is ' || lower(min(type)) || ' and ' || lower(max(type)) AS what
FROM (SELECT number_of_rows, place, key, CASE WHEN type IN ('DOUBLE', 'BIGINT', 'UBIGINT') THEN 'number' WHEN type = 'VARCHAR' THEN 'text'
        ELSE type END AS type
    FROM (SELECT number_of_rows, place, key,
            json_type(details, '$."' || replace(replace(key, '\', '\\'), '"', '\"') || '"') AS type
        FROM (SELECT json(SkuPriceDetails) AS details, number_of_rows, place, unnest(key_list(SkuPriceDetails)) AS key
            FROM (SELECT SkuPriceDetails, count(*) AS number_of_rows, min(x__row) AS place FROM delivery
                WHERE SkuPriceDetails IS NOT NULL GROUP BY ALL))))
WHERE type <> 'NULL' GROUP BY key HAVING min(type) <> max(type)
