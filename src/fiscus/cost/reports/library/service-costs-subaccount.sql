/*
title: Cost of a service by subaccount
persona: Engineering
question: Which subaccounts spend on a service?
use_case: service-costs-subaccount
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  service: {type: text, default: '', about: A ServiceName; all when empty}
columns: {ServiceName: text, SubAccountId: text, SubAccountName: text, BillingCurrency: currency, EffectiveCost: money}
chart: {label: SubAccountName, value: EffectiveCost}
*/
SELECT ServiceName, SubAccountId, SubAccountName, BillingCurrency, sum(EffectiveCost) AS EffectiveCost
FROM counted_bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ($service = '' OR ServiceName = $service)
GROUP BY ServiceName, SubAccountId, SubAccountName, BillingCurrency
ORDER BY BillingCurrency, EffectiveCost DESC, ServiceName, SubAccountId, SubAccountName
