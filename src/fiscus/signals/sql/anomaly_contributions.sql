-- For each anomaly and dimension: what each value cost in the run above its own daily mean of the four weeks before.
-- Days are taken of the instant as UTC writes it: a tenth of the time of asking a calendar for each charge.
WITH runs AS (
    SELECT
        unnest($id) AS id, unnest($owner) AS owner, unnest($team) AS team, unnest($service) AS service,
        unnest($provider) AS provider, unnest($environment) AS environment, unnest($currency) AS currency,
        CAST(unnest($start) AS DATE) AS first_day, CAST(unnest($end) AS DATE) AS end_day
),
charged AS (
    SELECT
        x_Owner AS owner, x_Team AS team, coalesce(ServiceName, 'unknown') AS service,
        coalesce(ServiceProviderName, 'unknown') AS provider, x_Environment AS environment, BillingCurrency AS currency,
        CAST(make_timestamp(epoch_us(ChargePeriodStart)) AS DATE) AS day, EffectiveCost AS cost,
        coalesce(ResourceId, ResourceName) AS resource, SubAccountId AS sub_account, SkuId AS sku
    FROM counted_charges
    WHERE ChargePeriodStart < $until AND ChargePeriodStart >= $since
      AND ChargeCategory = 'Usage' AND ChargeClass IS NULL AND coalesce(CommitmentDiscountStatus, 'Used') <> 'Unused'
),
matched AS (
    SELECT
        r.id, r.end_day - r.first_day AS days, c.day >= r.first_day AS in_run, c.cost, c.resource, c.sub_account, c.sku
    FROM runs r
    JOIN charged c USING (owner, team, service, provider, environment, currency)
    WHERE c.day >= r.first_day - INTERVAL 28 DAY AND c.day < r.end_day
),
spread AS (
    SELECT id, days, in_run, cost, 'resource' AS dimension, resource AS value FROM matched
    UNION ALL SELECT id, days, in_run, cost, 'sub_account', sub_account FROM matched
    UNION ALL SELECT id, days, in_run, cost, 'sku', sku FROM matched
),
excess AS (
    SELECT
        id, dimension, value,
        coalesce(sum(cost) FILTER (WHERE in_run), 0) AS in_run,
        coalesce(sum(cost) FILTER (WHERE NOT in_run), 0) AS before,
        any_value(days) AS days
    FROM spread
    WHERE value IS NOT NULL
    GROUP BY id, dimension, value
)
SELECT id, dimension, value, CAST(in_run - before * days / 28 AS DECIMAL(28, 4)) AS excess
FROM excess
WHERE in_run - before * days / 28 > 0
QUALIFY row_number() OVER (PARTITION BY id, dimension ORDER BY in_run - before * days / 28 DESC, value) <= 3
ORDER BY id, dimension, excess DESC, value
