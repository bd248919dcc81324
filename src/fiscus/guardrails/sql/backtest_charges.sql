-- What a policy on charges would have matched, month by month, gathered as its findings gather it.
-- A thing counts in a month when it matches on enough days of it; fewer are asked of a month that the window cuts.
WITH judged AS (
    SELECT
        coalesce(x_Owner, '') AS owner,
        coalesce(x_Team, '') AS team,
        coalesce(x_Environment, '') AS environment,
        BillingCurrency AS currency,
        coalesce(ServiceProviderName, '') AS provider,
        coalesce(SubAccountId, '') AS sub_account,
        coalesce(SubAccountName, '') AS account_name,
        coalesce(ResourceId, '') AS resource,
        CAST(ChargePeriodStart AS DATE) AS day,
        CASE WHEN ChargeCategory = 'Purchase' THEN BilledCost ELSE EffectiveCost END AS cost,
        {{condition}} AS matched
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
),
counted AS (
    SELECT count(*) AS asked, count(*) FILTER (matched IS NULL) AS errors FROM judged
),
things AS (
    SELECT
        owner, team, environment, currency, provider, sub_account, resource,
        date_trunc('month', day) AS month, max(account_name) AS account_name, sum(cost) AS amount, count(*) AS charges,
        count(DISTINCT day) AS days, min(day) AS first_day, max(day) AS last_day
    FROM judged
    WHERE matched
    GROUP BY ALL
)
SELECT
    CAST(month AS DATE) AS month, owner, team, environment, currency, provider, sub_account,
    max(account_name) AS account_name, sum(amount) AS amount, CAST(sum(charges) AS BIGINT) AS charges,
    min(first_day) AS first_day, max(last_day) AS last_day, count(DISTINCT nullif(resource, '')) AS resources,
    (SELECT asked FROM counted) AS asked, (SELECT errors FROM counted) AS errors
FROM things
WHERE days >= $days_min
GROUP BY ALL
UNION ALL
SELECT NULL, '', '', '', '', '', '', '', NULL, 0, NULL, NULL, 0, asked, errors FROM counted
ORDER BY month, currency, amount DESC, owner, team, environment, provider, sub_account
