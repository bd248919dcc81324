-- Commitments that stopped covering, and what their covered things cost on demand since. One row a commitment and SKU.
-- A thing is a resource with a SKU. A provider's bills must reach past the last covered day: a late bill is no end.
WITH seen AS (
    SELECT
        coalesce(ServiceProviderName, '') AS provider, CommitmentDiscountId AS commitment,
        coalesce(CommitmentDiscountName, '') AS name, coalesce(CommitmentDiscountType, '') AS type,
        coalesce(CommitmentDiscountStatus, '') AS status, coalesce(PricingCategory, 'Standard') AS pricing,
        x_SourceId AS source, coalesce(ResourceId, '') AS resource, coalesce(SkuId, '') AS sku,
        coalesce(PricingUnit, '') AS unit, coalesce(ServiceName, '') AS service, BillingCurrency AS currency,
        x_Owner AS owner, x_Team AS team, x_Environment AS environment,
        CAST(ChargePeriodStart AS DATE) AS day, PricingQuantity AS quantity, EffectiveCost AS cost
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
      AND ChargeCategory = 'Usage' AND ChargeClass IS NULL
),
landed AS (SELECT source, max(day) AS day FROM seen GROUP BY source),
ended AS (
    SELECT s.commitment, s.source, max(s.day) AS last_day, any_value(l.day) AS landed
    FROM seen s JOIN landed l USING (source)
    WHERE s.commitment IS NOT NULL AND s.status = 'Used' {{only}}
    GROUP BY s.commitment, s.source
    HAVING max(s.day) >= $ended_since AND max(s.day) <= any_value(l.day) - CAST($quiet_days AS INTEGER)
),
covered AS (
    SELECT
        e.commitment, e.source, e.last_day, e.landed, s.provider, s.resource, s.sku, s.unit, s.currency,
        max(s.name) AS name, max(s.type) AS type, max(s.service) AS service, max(s.owner) AS owner, max(s.team) AS team,
        max(s.environment) AS environment, sum(s.quantity) AS quantity, sum(s.cost) AS cost, count(DISTINCT s.day) AS days
    FROM ended e
    JOIN seen s ON s.commitment = e.commitment AND s.source = e.source AND s.status = 'Used'
      AND s.day > e.last_day - CAST($covered_days AS INTEGER)
    GROUP BY ALL
),
since AS (
    SELECT
        c.commitment, s.source, s.resource, s.sku, s.unit, s.currency,
        sum(s.quantity) AS quantity, sum(s.cost) AS cost, count(*) AS charges, count(DISTINCT s.day) AS days
    FROM (SELECT DISTINCT commitment, source, last_day, resource, sku, unit, currency FROM covered) c
    JOIN seen s ON s.source = c.source AND s.resource = c.resource AND s.sku = c.sku AND s.unit = c.unit
      AND s.currency = c.currency AND s.day > c.last_day
    WHERE s.commitment IS NULL AND s.pricing = 'Standard'
    GROUP BY ALL
)
SELECT
    c.provider, c.commitment, max(c.name) AS name, max(c.type) AS type, c.currency, c.sku, c.unit, max(c.service) AS service,
    max(c.last_day) AS last_day, max(c.landed) AS landed, max_by(c.owner, c.cost) AS owner, max_by(c.team, c.cost) AS team,
    max_by(c.environment, c.cost) AS environment, sum(c.cost) AS covered_cost, sum(c.quantity) AS covered_quantity,
    max(c.days) AS covered_days, sum(s.cost) AS on_demand_cost, sum(s.quantity) AS on_demand_quantity,
    CAST(sum(s.charges) AS BIGINT) AS charges,
    list(DISTINCT c.resource ORDER BY c.resource) FILTER (c.resource <> '')[:$resources_max] AS resources
FROM covered c
JOIN since s USING (commitment, source, resource, sku, unit, currency)
GROUP BY ALL
ORDER BY c.provider, c.commitment, c.currency, c.sku, c.unit
