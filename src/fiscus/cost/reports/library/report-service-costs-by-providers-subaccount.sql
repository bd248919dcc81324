/*
title: Services of one provider's subaccount
persona: Owner
question: What did each service of a provider's subaccount cost?
use_case: report-service-costs-by-providers-subaccount
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  provider: {type: text, default: '', about: A ServiceProviderName; all when empty}
  sub_account: {type: text, default: '', about: A SubAccountId; all when empty}
columns: {ServiceProviderName: text, SubAccountId: text, ServiceName: text, Month: month, BillingCurrency: currency, EffectiveCost: money}
chart: {label: ServiceName, value: EffectiveCost}
*/
SELECT ServiceProviderName, SubAccountId, ServiceName, strftime(ChargePeriodStart, '%Y-%m') AS Month, BillingCurrency,
  sum(EffectiveCost) AS EffectiveCost
FROM counted_bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ($provider = '' OR ServiceProviderName = $provider)
  AND ($sub_account = '' OR SubAccountId = $sub_account)
GROUP BY 1, 2, 3, 4, 5
ORDER BY BillingCurrency, Month, EffectiveCost DESC, ServiceProviderName, SubAccountId, ServiceName
