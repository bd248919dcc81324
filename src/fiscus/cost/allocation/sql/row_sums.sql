-- What the split of single charges comes to, for each group and place: the view `allocated_charges` adds up to this.
WITH shares AS (
    SELECT s.month, s.segment, s.currency, s.pool, s.part, s.place,
           CAST(s.low AS DECIMAL(13,12)) AS low, CAST(s.high AS DECIMAL(13,12)) AS high
    FROM (
        SELECT unnest(from_json($shares,
            '[{{"month":"VARCHAR","segment":"INTEGER","currency":"VARCHAR","pool":"VARCHAR","part":"VARCHAR",'
            || '"place":"INTEGER","low":"VARCHAR","high":"VARCHAR"}}]')) AS s
    )
)
SELECT
    c.x_BillingMonth AS month, c.segment, c.x_SourceId AS source, c.BillingCurrency AS currency, c.pool, c.part, s.place,
    sum({billed}) AS billed, sum({effective}) AS effective
FROM (SELECT *, {part} AS part FROM (SELECT *, {pool} AS pool, {segment} AS segment FROM {charges})) c
JOIN shares s
  ON s.month = c.x_BillingMonth AND s.segment = c.segment AND s.currency = c.BillingCurrency AND s.pool = c.pool
 AND s.part = c.part
GROUP BY ALL
