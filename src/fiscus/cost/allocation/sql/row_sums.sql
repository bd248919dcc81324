-- What the split of single charges comes to: for each share and source, the sum of its charges up to where the share ends.
-- A share's own sum is this less that of the share before it; the view `allocated_charges` adds up to the same.
WITH shares AS (
    SELECT s.id, s.month, s.segment, s.currency, s.pool, s.part, CAST(s.high AS DECIMAL(13,12)) AS high
    FROM (
        SELECT unnest(from_json($shares,
            '[{{"id":"INTEGER","month":"VARCHAR","segment":"INTEGER","currency":"VARCHAR","pool":"VARCHAR","part":"VARCHAR",'
            || '"high":"VARCHAR"}}]')) AS s
    )
)
SELECT
    s.id, c.x_SourceId AS source,
    sum(CAST(c.BilledCost * s.high AS DECIMAL(28,12))) AS billed,
    sum(CAST(c.EffectiveCost * s.high AS DECIMAL(28,12))) AS effective
FROM (SELECT *, {part} AS part FROM (SELECT *, {pool} AS pool, {segment} AS segment FROM {charges})) c
JOIN shares s
  ON s.month = c.x_BillingMonth AND s.segment = c.segment AND s.currency = c.BillingCurrency AND s.pool = c.pool
 AND s.part = c.part
GROUP BY ALL
