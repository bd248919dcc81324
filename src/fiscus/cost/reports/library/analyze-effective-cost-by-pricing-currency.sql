/*
title: Effective cost in the currency of the price
persona: Finance
question: In which currencies or credits is our usage priced, and what does it come to there?
use_case: analyze-effective-cost-by-pricing-currency
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
columns: {ServiceProviderName: text, HostProviderName: text, ServiceName: text, PricingCurrency: currency, PricingCurrencyEffectiveCost: money}
*/
SELECT ServiceProviderName, HostProviderName, ServiceName, PricingCurrency,
  sum(PricingCurrencyEffectiveCost) AS PricingCurrencyEffectiveCost
FROM counted_bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND PricingCurrencyEffectiveCost IS NOT NULL
GROUP BY ServiceProviderName, HostProviderName, ServiceName, PricingCurrency
ORDER BY PricingCurrency, PricingCurrencyEffectiveCost DESC, ServiceProviderName, HostProviderName, ServiceName
