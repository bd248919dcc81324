/*
title: What one unit costs
persona: Engineering
question: What does one unit of what we consume cost, by service and month?
use_case: calculate-unit-economics
parameters:
  first: {type: month, default: 3 months ago, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  service: {type: text, default: '', about: A ServiceName; all when empty}
columns: {Month: month, ServiceName: text, ConsumedUnit: text, ConsumedQuantity: number, BillingCurrency: currency, BilledCost: money, UnitCost: price}
*/
SELECT strftime(ChargePeriodStart, '%Y-%m') AS Month, ServiceName, ConsumedUnit, sum(CAST(ConsumedQuantity AS DECIMAL(38,12))) AS ConsumedQuantity,
  BillingCurrency, sum(BilledCost) AS BilledCost,
  CAST(CAST(sum(BilledCost) AS DOUBLE) / nullif(CAST(sum(CAST(ConsumedQuantity AS DECIMAL(38,12))) AS DOUBLE), 0) AS DECIMAL(38,12)) AS UnitCost
FROM counted_bare_charges
WHERE ChargePeriodStart >= CAST($first || '-01' AS DATE)
  AND ChargePeriodStart < CAST($last || '-01' AS DATE) + INTERVAL 1 MONTH AND ConsumedQuantity IS NOT NULL
  AND ($service = '' OR ServiceName = $service)
GROUP BY 1, 2, 3, 5
ORDER BY BillingCurrency, Month, BilledCost DESC, ServiceName, ConsumedUnit
