-- What the gateway wrote is on no bill.
-- The first day that each provider's bills do not cover yet. A tax or a fee of the whole month covers none of the days to come:
-- one that bills on most days has billed up to the last day on which a charge of it begins (as in budget_days.sql).
WITH billed AS (
    SELECT
        ServiceProviderName AS provider, CAST(least(max(ChargePeriodEnd), $until) AS DATE) AS last,
        CAST(min(ChargePeriodStart) AS DATE) AS first, CAST(max(ChargePeriodStart) AS DATE) + 1 AS seen,
        count(DISTINCT CAST(ChargePeriodStart AS DATE)) AS days
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ServiceProviderName IS NOT NULL
        AND x_SourceId NOT LIKE 'gateway-%'
    GROUP BY ServiceProviderName
)
SELECT provider, CASE WHEN days >= 7 AND days * 10 >= (seen - first) * 7 THEN least(last, seen) ELSE last END AS billed_until
FROM billed
ORDER BY provider
