-- What a policy matches among the charges of its window, gathered by who answers for it; and what it could not judge.
-- A thing is a resource (or, without one, the rest of its account); it counts when it matches on enough days.
WITH judged AS (
    SELECT
        coalesce(x_Owner, '') AS owner,
        coalesce(x_Team, '') AS team,
        coalesce(x_Environment, '') AS environment,
        BillingCurrency AS currency,
        coalesce(ServiceProviderName, '') AS provider,
        coalesce(SubAccountId, '') AS sub_account,
        coalesce(SubAccountName, '') AS account_name,
        coalesce(ServiceName, '') AS service,
        coalesce(ResourceId, '') AS resource,
        CAST(ChargePeriodStart AS DATE) AS day,
        CASE WHEN ChargeCategory = 'Purchase' THEN BilledCost ELSE EffectiveCost END AS cost,
        {{condition}} AS matched,
        {{exception}} AS exception
    FROM counted_charges
    WHERE ChargePeriodStart < $until AND ChargePeriodStart >= $since AND x_BillingMonth >= $billing_month
),
things AS (
    SELECT
        matched IS NULL AS is_error, owner, team, environment, currency, provider, sub_account, exception, resource,
        max(account_name) AS account_name, max(service) AS service, sum(cost) AS amount, count(*) AS charges,
        count(DISTINCT day) AS days, min(day) AS first_day, max(day) AS last_day
    FROM judged
    WHERE matched IS DISTINCT FROM false {{only}}
    GROUP BY ALL
)
SELECT
    is_error, owner, team, environment, currency, provider, sub_account, exception, max(account_name) AS account_name,
    sum(amount) AS amount, CAST(sum(charges) AS BIGINT) AS charges, min(first_day) AS first_day, max(last_day) AS last_day,
    count(DISTINCT nullif(resource, '')) AS resources,
    list(resource ORDER BY amount DESC, resource) FILTER (resource <> '')[:$resources_max] AS largest,
    list(DISTINCT service ORDER BY service)[:5] AS services
FROM things
WHERE is_error OR days >= $days_min
GROUP BY ALL
ORDER BY is_error, currency, amount DESC, owner, team, environment, provider, sub_account, exception
