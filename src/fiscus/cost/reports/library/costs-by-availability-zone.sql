/*
title: Cost by availability zone
persona: Engineering
question: In which availability zones does a subaccount spend, month by month?
use_case: costs-by-availability-zone
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  sub_account: {type: text, default: '', about: A SubAccountId; all when empty}
columns: {ServiceProviderName: text, RegionName: text, AvailabilityZone: text, Month: month, BillingCurrency: currency, EffectiveCost: money}
chart: {label: AvailabilityZone, value: EffectiveCost}
*/
SELECT ServiceProviderName, RegionName, coalesce(AvailabilityZone, '(none)') AS AvailabilityZone, x_BillingMonth AS Month,
  BillingCurrency, sum(EffectiveCost) AS EffectiveCost
FROM counted_bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ($sub_account = '' OR SubAccountId = $sub_account)
GROUP BY 1, 2, 3, 4, 5
ORDER BY BillingCurrency, Month, EffectiveCost DESC, ServiceProviderName, RegionName, AvailabilityZone
