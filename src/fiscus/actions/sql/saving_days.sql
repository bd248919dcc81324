-- Compute cost of some resources before and after the day on which an action ran. One row a resource; `after_until`
-- (exclusive) is how far the bills of the source reach, whether or not the resource still costs anything.
-- A day that came only in part ($partial_from) is not covered: it is no saving.
WITH mine AS (
    SELECT ResourceId, x_SourceId, CAST(ChargePeriodStart AS DATE) AS day, EffectiveCost
    FROM counted_charges
    WHERE list_contains($targets, ResourceId) AND BillingCurrency = $currency
      AND ServiceCategory = 'Compute' AND ChargeCategory = 'Usage'
      AND ChargePeriodStart < CAST($as_of AS DATE)
),
covered AS (
    SELECT
        x_SourceId,
        least(CAST(max(ChargePeriodStart) AS DATE) + 1, CAST($as_of AS DATE), min(partial_from)) AS until_day
    FROM counted_charges
    LEFT JOIN (SELECT unnest($partial_source) AS partial_source, CAST(unnest($partial_from) AS DATE) AS partial_from) AS partial
        ON partial_source = x_SourceId
    WHERE x_SourceId IN (SELECT x_SourceId FROM mine) AND ChargePeriodStart < CAST($as_of AS DATE)
    GROUP BY x_SourceId
)
SELECT
    m.ResourceId AS resource_id,
    min(v.until_day) AS after_until,
    sum(CASE WHEN m.day >= CAST($ran AS DATE) - CAST($days AS INTEGER) AND m.day < CAST($ran AS DATE)
        THEN m.EffectiveCost ELSE 0 END) AS cost_before,
    sum(CASE WHEN m.day > CAST($ran AS DATE) AND m.day < v.until_day THEN m.EffectiveCost ELSE 0 END) AS cost_after
FROM mine m JOIN covered v ON m.x_SourceId = v.x_SourceId
GROUP BY m.ResourceId
ORDER BY m.ResourceId
