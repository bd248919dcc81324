/*
title: Usage month over month
persona: Engineering
question: Do we consume more of each service than the month before?
use_case: compare-usage-month-over-month
parameters:
  first: {type: month, default: 3 months ago, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  provider: {type: text, default: '', about: A ServiceProviderName; all when empty}
columns: {ServiceProviderName: text, ServiceName: text, ConsumedUnit: text, Month: month, Resources: count, ConsumedQuantity: number, Before: number, Change: percent}
*/
WITH monthly AS (
  SELECT ServiceProviderName, ServiceName, ConsumedUnit, strftime(ChargePeriodStart, '%Y-%m') AS Month,
    count(DISTINCT ResourceId) AS Resources, sum(CAST(ConsumedQuantity AS DECIMAL(38,12))) AS ConsumedQuantity
  FROM counted_charges
  WHERE ChargePeriodStart >= CAST($first || '-01' AS DATE)
    AND ChargePeriodStart < CAST($last || '-01' AS DATE) + INTERVAL 1 MONTH
    AND ChargeCategory = 'Usage' AND ConsumedUnit IS NOT NULL AND ($provider = '' OR ServiceProviderName = $provider)
  GROUP BY 1, 2, 3, 4
)
SELECT *, lag(ConsumedQuantity) OVER earlier AS Before,
  CAST(100 * CAST(ConsumedQuantity - lag(ConsumedQuantity) OVER earlier AS DOUBLE)
    / nullif(CAST(lag(ConsumedQuantity) OVER earlier AS DOUBLE), 0) AS DECIMAL(38,2)) AS Change
FROM monthly
WINDOW earlier AS (PARTITION BY ServiceProviderName, ServiceName, ConsumedUnit ORDER BY Month)
ORDER BY ServiceProviderName, ServiceName, ConsumedUnit, Month
