/*
title: The dearest resources
persona: Engineering
question: Which resources cost most, and whose are they?
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  top: {type: integer, default: 100, about: So many of each currency}
columns: {ResourceId: text, ResourceName: text, ServiceName: text, RegionId: text, Owner: text, Environment: text, BillingCurrency: currency, EffectiveCost: money}
chart: {label: ResourceName, value: EffectiveCost}
*/
SELECT ResourceId, ResourceName, ServiceName, RegionId, x_Owner AS Owner, x_Environment AS Environment, BillingCurrency,
  sum(EffectiveCost) AS EffectiveCost
FROM counted_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ResourceId IS NOT NULL
GROUP BY ResourceId, ResourceName, ServiceName, RegionId, x_Owner, x_Environment, BillingCurrency
QUALIFY row_number() OVER (
  PARTITION BY BillingCurrency ORDER BY sum(EffectiveCost) DESC, ResourceId, ServiceName, x_Environment, ResourceName,
    RegionId, x_Owner) <= $top
ORDER BY BillingCurrency, EffectiveCost DESC, ResourceId, ServiceName, Environment, ResourceName, RegionId, Owner
