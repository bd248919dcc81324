/*
title: Tag coverage
persona: FinOps
question: How much of the cost carries the tag, at each provider?
use_case: analyze-tag-coverage
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  key: {type: text, default: team, about: The tag key}
columns: {ServiceProviderName: text, BillingCurrency: currency, Tagged: money, Untagged: money, EffectiveCost: money, Coverage: percent}
chart: {label: ServiceProviderName, value: Untagged}
*/
SELECT ServiceProviderName, BillingCurrency,
  coalesce(sum(EffectiveCost) FILTER (nullif(Tags[$key], '') IS NOT NULL), 0) AS Tagged,
  coalesce(sum(EffectiveCost) FILTER (nullif(Tags[$key], '') IS NULL), 0) AS Untagged,
  sum(EffectiveCost) AS EffectiveCost,
  CAST(100 * CAST(Tagged AS DOUBLE) / nullif(sum(EffectiveCost), 0) AS DECIMAL(38,2)) AS Coverage
FROM counted_bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until
GROUP BY ServiceProviderName, BillingCurrency
ORDER BY BillingCurrency, Untagged DESC, ServiceProviderName
