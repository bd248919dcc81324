-- What all policies match among the charges, as charge_matches.sql says it of one: each charge is read for all of them at once.
-- Charges that agree in everything that conditions read of them are one tuple, and are judged once. What a condition reads that
-- nearly every charge has of its own (an amount) is left for `rows`, and only where the rest of the condition may still hold.
WITH tuples AS MATERIALIZED (
    SELECT
        spent.*,
        hash({{tuple}}) AS tuple,
        {{owners}}
    FROM (
        SELECT
            {{tuple}},
            {{keyed}},
            sum(cost) AS amount, count(*) AS charges, CAST(min(started) AS DATE) AS first_day, CAST(max(started) AS DATE) AS last_day
        FROM ({{charges}})
        GROUP BY {{tuple}}
    ) AS spent
    LEFT JOIN assignments USING (x_AssignmentKey)
),
{{coarse}}judged AS (
    {{judged}}
),
{{rows}}matches AS (
    SELECT place, tuple, matched IS NULL AS is_error, exception, NULL AS on_day, amount, charges, first_day, last_day
    FROM judged
    WHERE matched IS DISTINCT FROM false
    {{row_matches}}
),
things AS (
    SELECT
        place, is_error, exception, x_Owner AS owner, x_Team AS team, x_Environment AS environment, BillingCurrency AS currency,
        coalesce(ServiceProviderName, '') AS provider, coalesce(SubAccountId, '') AS sub_account,
        coalesce(ResourceId, '') AS resource, max(coalesce(SubAccountName, '')) AS account_name,
        max(coalesce(ServiceName, '')) AS service, sum(matches.amount) AS amount, sum(matches.charges) AS charges,
        count(DISTINCT on_day) AS days, min(matches.first_day) AS first_day, max(matches.last_day) AS last_day
    FROM matches JOIN {{all_tuples}} USING (tuple)
    GROUP BY ALL
)
SELECT
    place, is_error, owner, team, environment, currency, provider, sub_account, exception, max(account_name) AS account_name,
    sum(amount) AS amount, CAST(sum(charges) AS BIGINT) AS charges, min(first_day) AS first_day, max(last_day) AS last_day,
    count(DISTINCT nullif(resource, '')) AS resources,
    list(resource ORDER BY amount DESC, resource) FILTER (resource <> '')[:$resources_max] AS largest,
    list(DISTINCT service ORDER BY service)[:5] AS services
FROM things
WHERE (is_error OR days >= list_extract(CAST($days_min AS INTEGER[]), place + 1))
    AND (SELECT CASE WHEN count(*) = count(DISTINCT tuple) THEN true ELSE error('two tuples share a hash') END FROM {{all_tuples}})
GROUP BY ALL
ORDER BY place, is_error, currency, amount DESC, owner, team, environment, provider, sub_account, exception
