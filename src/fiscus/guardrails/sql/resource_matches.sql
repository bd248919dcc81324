-- What a policy matches among resources, gathered by who answers for it.
WITH {{resources}}judged AS (
    SELECT *, {{condition}} AS matched, {{exception}} AS exception
    FROM {{from}}
)
SELECT
    matched IS NULL AS is_error, owner, team, environment, currency, provider, sub_account, exception,
    max(account_name) AS account_name, sum(cost) AS amount, CAST(sum(charges) AS BIGINT) AS charges,
    min(first_day) AS first_day, max(last_day) AS last_day, count(*) AS resources,
    list(id ORDER BY cost DESC, id)[:$resources_max] AS largest, list(DISTINCT service ORDER BY service)[:5] AS services
FROM judged
WHERE matched IS DISTINCT FROM false AND (matched IS NULL OR days_seen >= $days_min) {{only}}
GROUP BY ALL
ORDER BY is_error, currency, amount DESC, owner, team, environment, provider, sub_account, exception
