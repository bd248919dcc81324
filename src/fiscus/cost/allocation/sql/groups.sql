-- What is shared, added up alike: one row a billing month, stretch of days, source, currency, rule and part.
-- The expressions in braces are built from vetted columns (pool_sql.py).
SELECT
    x_BillingMonth AS month, segment, x_SourceId AS source, BillingCurrency AS currency, pool, part,
    count(*) AS charges, sum(BilledCost) AS billed, sum(EffectiveCost) AS effective,
    CAST(sum(CAST(hash(BilledCost, EffectiveCost) AS HUGEINT)) AS VARCHAR) AS fingerprint
FROM (SELECT *, {part} AS part FROM (SELECT *, {pool} AS pool, {segment} AS segment FROM {charges}))
WHERE pool IS NOT NULL AND list_contains(CAST($months AS VARCHAR[]), x_BillingMonth)
GROUP BY ALL
ORDER BY ALL
