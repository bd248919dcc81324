/*
title: Spend that nobody owns
persona: CFO
question: Which money has no owner, and where does it come from?
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {ServiceProviderName: text, SubAccountName: text, ServiceName: text, AssignmentRule: text, BillingCurrency: currency, EffectiveCost: money, Charges: count}
chart: {label: ServiceName, value: EffectiveCost}
*/
SELECT ServiceProviderName, SubAccountName, ServiceName, x_AssignmentRule AS AssignmentRule, BillingCurrency,
  sum(EffectiveCost) AS EffectiveCost, count(*) AS Charges
FROM counted_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND (x_Owner = 'unowned' OR x_AssignmentRule = 'default-pool')
GROUP BY ServiceProviderName, SubAccountName, ServiceName, x_AssignmentRule, BillingCurrency
ORDER BY BillingCurrency, EffectiveCost DESC, ServiceProviderName, SubAccountName, ServiceName, AssignmentRule
