-- Whose the month's money is. Unowned money is a line of its own; the lines sum to the month.
SELECT
    x_Team AS team,
    min(x_CostCentre) AS cost_centre,
    sum(CASE WHEN x_Owner = 'unowned' THEN 0 ELSE EffectiveCost END) AS owned,
    sum(EffectiveCost) AS cost,
    count(*) AS charges
FROM counted_charges
WHERE BillingCurrency = $currency AND ChargePeriodStart >= $start AND ChargePeriodStart < $until
GROUP BY ALL
ORDER BY cost DESC, team
