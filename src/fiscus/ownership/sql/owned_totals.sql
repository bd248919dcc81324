-- Who owns what, per currency. Summed over all lines, unowned included, this is the total of the lake.
SELECT
    x_Owner AS owner,
    x_Team AS team,
    x_CostCentre AS cost_centre,
    BillingCurrency AS currency,
    sum(EffectiveCost) AS effective_cost,
    sum(BilledCost) AS billed_cost,
    count(*) AS charges,
    mode(x_AssignmentRule) AS rule
FROM charges
GROUP BY ALL
ORDER BY currency, effective_cost DESC, owner, team, cost_centre
