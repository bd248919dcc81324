/*
title: Amortised cost and its trend
persona: Finance
question: If the months go on as they went, what will each service cost next month?
use_case: forecast-amortized-costs
parameters:
  first: {type: month, default: 3 months ago, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  provider: {type: text, default: '', about: A ServiceProviderName; all when empty}
columns: {ServiceProviderName: text, ServiceCategory: text, ServiceName: text, BillingCurrency: currency, Months: count, EffectiveCost: money, LastMonth: money, ChangePerMonth: money, NextMonth: money}
chart: {label: ServiceName, value: NextMonth}
*/
WITH monthly AS (
  SELECT ServiceProviderName, ServiceCategory, ServiceName, BillingCurrency, x_BillingMonth AS Month, sum(EffectiveCost) AS Cost
  FROM counted_charges
  WHERE x_BillingMonth BETWEEN $first AND $last AND ChargeCategory IN ('Usage', 'Purchase')
    AND ($provider = '' OR ServiceProviderName = $provider)
  GROUP BY 1, 2, 3, 4, 5
), trend AS (
  SELECT ServiceProviderName, ServiceCategory, ServiceName, BillingCurrency, count(*) AS Months, sum(Cost) AS EffectiveCost,
    arg_max(Cost, Month) AS LastMonth,
    CAST(CAST(arg_max(Cost, Month) - arg_min(Cost, Month) AS DOUBLE) / greatest(count(*) - 1, 1) AS DECIMAL(38,2)) AS ChangePerMonth
  FROM monthly
  GROUP BY ServiceProviderName, ServiceCategory, ServiceName, BillingCurrency
)
SELECT *, LastMonth + ChangePerMonth AS NextMonth
FROM trend
ORDER BY BillingCurrency, NextMonth DESC, ServiceProviderName, ServiceCategory, ServiceName
