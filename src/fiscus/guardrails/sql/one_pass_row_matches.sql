UNION ALL
    SELECT
        place, tuple, matched IS NULL AS is_error, exception, CASE WHEN place IN ({{counting}}) THEN CAST(started AS DATE) END AS on_day,
        sum(cost) AS amount, count(*) AS charges, CAST(min(started) AS DATE) AS first_day, CAST(max(started) AS DATE) AS last_day
    FROM pairs
    WHERE matched IS DISTINCT FROM false
    GROUP BY ALL
