-- What the split of single charges comes to: for each share and source, the sum of its charges up to where the share ends.
-- A share's own sum is this less that of the share before it; the view `allocated_charges` adds up to the same.
WITH told AS (SELECT unnest(CAST($shares AS VARCHAR[])) AS s),
shares AS (
    SELECT
        CAST(json_extract_string(s, '$.id') AS INTEGER) AS id, json_extract_string(s, '$.month') AS month,
        CAST(json_extract_string(s, '$.segment') AS INTEGER) AS segment, json_extract_string(s, '$.currency') AS currency,
        json_extract_string(s, '$.pool') AS pool, json_extract_string(s, '$.part') AS part,
        CAST(json_extract_string(s, '$.high') AS DECIMAL(13,12)) AS high
    FROM told
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
