-- What the compute charges of some resources cost a day over the last full days that the bills cover: one row a resource,
-- source and currency. `until` (exclusive) is the newest day of any bill of that source, or the as-of day if that is earlier.
-- A day that came only in part ($partial_from) is not covered: it is no saving.
WITH targeted AS (
    SELECT DISTINCT x_SourceId FROM counted_charges WHERE list_contains($targets, ResourceId)
),
covered AS (
    SELECT
        x_SourceId,
        least(CAST(max(ChargePeriodStart) AS DATE) + 1, CAST($as_of AS DATE), min(partial_from)) AS until_day
    FROM counted_charges
    LEFT JOIN (SELECT unnest($partial_source) AS partial_source, CAST(unnest($partial_from) AS DATE) AS partial_from) AS partial
        ON partial_source = x_SourceId
    WHERE x_SourceId IN (SELECT x_SourceId FROM targeted) AND ChargePeriodStart < CAST($as_of AS DATE)
    GROUP BY x_SourceId
)
SELECT
    c.ResourceId AS resource_id,
    c.BillingCurrency AS currency,
    max(c.x_Owner) AS owner,
    max(c.x_Team) AS team,
    max(c.x_Environment) AS environment,
    max(c.ResourceName) AS resource_name,
    sum(CASE
        WHEN CAST(c.ChargePeriodStart AS DATE) >= v.until_day - CAST($days AS INTEGER)
             AND CAST(c.ChargePeriodStart AS DATE) < v.until_day
             AND c.ServiceCategory = 'Compute' AND c.ChargeCategory = 'Usage'
        THEN c.EffectiveCost ELSE 0 END) AS cost
FROM counted_charges c JOIN covered v ON c.x_SourceId = v.x_SourceId
WHERE list_contains($targets, c.ResourceId)
GROUP BY c.ResourceId, c.BillingCurrency
ORDER BY c.ResourceId, c.BillingCurrency
