-- Who owns what, per currency. Summed over all lines, unowned included, this is the total of the lake.
-- `rule` gave most of the charges their owner; of two that gave as many, the one whose name comes first.
WITH by_rule AS (
    SELECT
        x_Owner AS owner, x_Team AS team, x_CostCentre AS cost_centre, BillingCurrency AS currency, x_AssignmentRule AS rule,
        sum(EffectiveCost) AS effective_cost, sum(BilledCost) AS billed_cost, count(*) AS charges
    FROM counted_charges
    GROUP BY ALL
),
placed AS (
    SELECT *, row_number() OVER (PARTITION BY owner, team, cost_centre, currency ORDER BY charges DESC, rule) AS place
    FROM by_rule
)
SELECT
    owner, team, cost_centre, currency,
    CAST(sum(effective_cost) AS DECIMAL(38, 12)) AS effective_cost,
    CAST(sum(billed_cost) AS DECIMAL(38, 12)) AS billed_cost,
    CAST(sum(charges) AS BIGINT) AS charges,
    max(CASE WHEN place = 1 THEN rule END) AS rule
FROM placed
GROUP BY owner, team, cost_centre, currency
ORDER BY currency, effective_cost DESC, owner, team, cost_centre
