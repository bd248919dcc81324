/*
title: Applications month over month
persona: Owner
question: What does each application cost, service by service and month by month?
use_case: application-cost
parameters:
  first: {type: month, default: 3 months ago, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  key: {type: text, default: product, about: The tag key that names the application}
  application: {type: text, default: '', about: One application; all when empty}
columns: {Month: month, Application: text, ServiceName: text, BillingCurrency: currency, EffectiveCost: money}
chart: {label: Month, value: EffectiveCost, series: Application}
*/
SELECT x_BillingMonth AS Month, coalesce(Tags[$key], '(untagged)') AS Application, ServiceName, BillingCurrency,
  sum(EffectiveCost) AS EffectiveCost
FROM counted_bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ($application = '' OR Tags[$key] = $application)
GROUP BY 1, 2, 3, 4
ORDER BY BillingCurrency, Month, EffectiveCost DESC, Application, ServiceName
