UNION ALL
    SELECT
        place, tuple, matched IS NULL AS is_error, exception, CASE WHEN place IN ({{counting}}) THEN day END AS on_day,
        sum(cost) AS amount, count(*) AS charges, min(day) AS first_day, max(day) AS last_day
    FROM pairs
    WHERE matched IS DISTINCT FROM false
    GROUP BY ALL
