-- What policies on charges would have matched, month by month, gathered as their findings gather it: each charge is read once
-- for all of them, and stands once for each policy that matches it or has no answer for it.
-- A thing counts in a month when it matches on enough days of it; fewer are asked of a month that the window cuts.
-- Filled in: what each policy says of a charge, as columns m0, m1 ...; whether any of them says anything; their numbers; and the
-- answer of the one at `place`.
-- Days are taken of the instant as UTC writes it: a tenth of the time of asking a calendar for each charge.
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
        CAST(make_timestamp(epoch_us(ChargePeriodStart)) AS DATE) AS day,
        CASE WHEN ChargeCategory = 'Purchase' THEN BilledCost ELSE EffectiveCost END AS cost,
        {{matched}}
    FROM counted_charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
),
answers AS (
    SELECT
        place, owner, team, environment, currency, provider, sub_account, account_name, resource, day, cost,
        CASE place {{mine}} END AS matched
    FROM judged CROSS JOIN (VALUES {{places}}) AS places(place)
    WHERE {{any}}
),
things AS (
    SELECT
        place, matched IS NULL AS is_error, owner, team, environment, currency, provider, sub_account, resource,
        date_trunc('month', day) AS month, max(account_name) AS account_name, sum(cost) AS amount, count(*) AS charges,
        count(DISTINCT day) AS days, min(day) AS first_day, max(day) AS last_day
    FROM answers
    WHERE matched IS DISTINCT FROM false
    GROUP BY ALL
)
SELECT
    place, is_error, CAST(month AS DATE) AS month, owner, team, environment, currency, provider, sub_account,
    max(account_name) AS account_name, sum(amount) AS amount, CAST(sum(charges) AS BIGINT) AS charges,
    min(first_day) AS first_day, max(last_day) AS last_day, count(DISTINCT nullif(resource, '')) AS resources
FROM things
WHERE is_error OR days >= list_extract(CAST($days_min AS INTEGER[]), place + 1)
GROUP BY ALL
UNION ALL
SELECT -1, false, NULL, '', '', '', '', '', '', '', NULL, count(*), NULL, NULL, 0
FROM charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
ORDER BY place, is_error, month, currency, amount DESC, owner, team, environment, provider, sub_account
