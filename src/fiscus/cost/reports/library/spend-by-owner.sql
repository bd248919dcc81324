/*
title: Spend by owner
persona: CFO
question: Who answers for how much of the money?
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {Owner: text, Team: text, BillingCurrency: currency, EffectiveCost: money, Share: percent, Charges: count}
chart: {label: Owner, value: EffectiveCost}
*/
SELECT x_Owner AS Owner, x_Team AS Team, BillingCurrency, sum(EffectiveCost) AS EffectiveCost,
  CAST(100 * CAST(sum(EffectiveCost) AS DOUBLE) / nullif(sum(sum(EffectiveCost)) OVER (PARTITION BY BillingCurrency), 0)
    AS DECIMAL(38,2)) AS Share,
  count(*) AS Charges
FROM counted_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY x_Owner, x_Team, BillingCurrency
ORDER BY BillingCurrency, EffectiveCost DESC, Owner, Team
