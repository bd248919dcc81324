-- A type that is spelled in two ways, or is no readable word.
-- columns: {entity}
SELECT 'broken' AS status, min(place) AS place, sum(number_of_rows)::BIGINT AS number_of_rows, NULL::VARCHAR AS currency,
    NULL::DECIMAL(38,12) AS amount, min(value) || CASE WHEN min(value) <> max(value) THEN ' and ' || max(value) ELSE '' END AS what
FROM (SELECT {entity} AS value, count(*) AS number_of_rows, min(x__row) AS place FROM delivery GROUP BY ALL) WHERE value IS NOT NULL
GROUP BY lower(regexp_replace(value, '[\s_-]+', ' ', 'g'))
HAVING count(DISTINCT value) > 1 OR bool_or(NOT regexp_matches(value, '[A-Za-z]{2}'))
