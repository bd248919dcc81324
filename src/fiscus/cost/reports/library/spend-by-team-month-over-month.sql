/*
title: Teams month over month
persona: Owner
question: How does each team's cost move from month to month?
parameters:
  first: {type: month, default: 3 months ago, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  team: {type: text, default: '', about: One team; all when empty}
columns: {Team: text, BillingCurrency: currency, Month: month, EffectiveCost: money, Before: money, Change: money}
chart: {label: Month, value: EffectiveCost, series: Team}
*/
WITH monthly AS (
  SELECT x_Team AS Team, BillingCurrency, x_BillingMonth AS Month, sum(EffectiveCost) AS EffectiveCost
  FROM counted_charges
  WHERE x_BillingMonth BETWEEN $first AND $last AND ($team = '' OR x_Team = $team)
  GROUP BY 1, 2, 3
)
SELECT *, lag(EffectiveCost) OVER earlier AS Before, EffectiveCost - lag(EffectiveCost) OVER earlier AS Change
FROM monthly
WINDOW earlier AS (PARTITION BY Team, BillingCurrency ORDER BY Month)
ORDER BY BillingCurrency, Team, Month
