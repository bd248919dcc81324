/*
title: Cost by service
persona: FinOps
question: What did each service of each subaccount cost, billed and effective?
use_case: costs-service-name
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
  provider: {type: text, default: '', about: A ServiceProviderName; all when empty}
columns: {Month: month, ServiceProviderName: text, SubAccountId: text, SubAccountName: text, ServiceName: text, BillingCurrency: currency, BilledCost: money, EffectiveCost: money}
chart: {label: ServiceName, value: EffectiveCost}
*/
SELECT x_BillingMonth AS Month, ServiceProviderName, SubAccountId, SubAccountName, ServiceName, BillingCurrency,
  sum(BilledCost) AS BilledCost, sum(EffectiveCost) AS EffectiveCost
FROM counted_bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ($provider = '' OR ServiceProviderName = $provider)
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY Month, BillingCurrency, EffectiveCost DESC, ServiceProviderName, SubAccountId, ServiceName, SubAccountName
