-- Each team's own charges, what it pays for others, and what it bears; both sides sum to the month.
WITH borne AS (
    SELECT
        x_Team AS team,
        sum(CASE WHEN x_AllocationKind = 'allocated' THEN EffectiveCost ELSE 0 END) AS given,
        sum(EffectiveCost) AS bears
    FROM allocated_charges
    WHERE BillingCurrency = $currency AND ChargePeriodStart >= $start AND ChargePeriodStart < $until
    GROUP BY ALL
),
own AS (
    SELECT x_Team AS team, sum(EffectiveCost) AS own
    FROM counted_charges
    WHERE BillingCurrency = $currency AND ChargePeriodStart >= $start AND ChargePeriodStart < $until
    GROUP BY ALL
)
SELECT
    coalesce(b.team, o.team) AS team, coalesce(o.own, 0) AS own, coalesce(b.given, 0) AS given, coalesce(b.bears, 0) AS bears
FROM borne b FULL JOIN own o ON o.team = b.team
ORDER BY bears DESC, team
