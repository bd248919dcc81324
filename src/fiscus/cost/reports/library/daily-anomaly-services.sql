/*
title: Unusual days of services
persona: FinOps
question: On which days, and with which service in which region, did a subaccount cost more than expected?
use_case: daily-anomaly-services
parameters:
  since: {type: day, default: 30 days ago, about: First day that is looked at}
  until: {type: day, default: today, about: The day after the last}
  sigmas: {type: decimal, default: 3, about: So many standard deviations above the 14 days before}
  least: {type: decimal, default: 20, about: Excess below this is left out}
columns: {Day: day, ServiceProviderName: text, SubAccountId: text, RegionId: text, ServiceName: text, BillingCurrency: currency, EffectiveCost: money, Expected: money, Excess: money}
chart: {label: Day, value: Excess}
*/
WITH daily AS (
  SELECT CAST(ChargePeriodStart AS DATE) AS Day, ServiceProviderName, SubAccountId, RegionId, ServiceName, BillingCurrency, sum(EffectiveCost) AS EffectiveCost
  FROM counted_charges
  WHERE ChargePeriodStart >= CAST($since AS DATE) - 14 AND ChargePeriodStart < $until AND ChargeCategory = 'Usage'
  GROUP BY ALL
), judged AS (
  SELECT *, CAST(avg(EffectiveCost) OVER before AS DECIMAL(28,2)) AS Expected, stddev_samp(EffectiveCost) OVER before AS Spread,
    count(*) OVER before AS Days
  FROM daily
  WINDOW before AS (
    PARTITION BY ServiceProviderName, SubAccountId, RegionId, ServiceName,
    BillingCurrency ORDER BY Day RANGE BETWEEN INTERVAL 14 DAYS PRECEDING AND INTERVAL 1 DAY PRECEDING)
)
SELECT Day, ServiceProviderName, SubAccountId, RegionId, ServiceName, BillingCurrency, EffectiveCost, Expected, EffectiveCost - Expected AS Excess
FROM judged
WHERE Day >= $since AND Days >= 7 AND EffectiveCost - Expected > CAST($sigmas AS DOUBLE) * Spread
  AND EffectiveCost - Expected >= CAST($least AS DECIMAL(28,12))
ORDER BY BillingCurrency, Excess DESC, Day, SubAccountId, RegionId, ServiceName, ServiceProviderName
