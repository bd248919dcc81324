-- Every version of a month's allocation and what it moved against the version before, by payer.
WITH borne AS (
    SELECT x_BillingMonth AS month, version, BillingCurrency AS currency,
           x_AllocationRule AS rule, x_AllocatedDimension || ':' || x_AllocatedTo AS payer, sum(EffectiveCost) AS cost
    FROM allocation_history
    GROUP BY ALL
),
sides AS (
    SELECT month, version, currency, payer, sum(cost) AS cost FROM borne GROUP BY ALL
    UNION ALL
    SELECT b.month, r.version, currency, payer, -sum(cost)
    FROM borne b JOIN allocation_runs r ON r.x_BillingMonth = b.month AND r.version = b.version + 1
    GROUP BY ALL
),
moved AS (
    SELECT month, version, currency, payer, sum(cost) AS difference FROM sides GROUP BY ALL
),
shared AS (
    SELECT month, version, currency, sum(cost) AS shared,
           sum(CASE WHEN payer = 'own:' THEN cost ELSE 0 END) AS stays
    FROM borne GROUP BY ALL
),
differences AS (
    SELECT month, version, currency, sum(greatest(difference, 0)) AS more, sum(least(difference, 0)) AS less
    FROM moved GROUP BY ALL
)
SELECT d.month, d.version, d.currency, coalesce(s.shared, 0) AS shared, coalesce(s.stays, 0) AS stays,
       CASE WHEN d.version > 1 THEN d.more END AS more, CASE WHEN d.version > 1 THEN d.less END AS less
FROM differences d LEFT JOIN shared s ON s.month = d.month AND s.version = d.version AND s.currency = d.currency
ORDER BY d.month, d.version, d.currency
