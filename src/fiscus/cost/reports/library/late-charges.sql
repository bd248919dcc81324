/*
title: Charges that came late
persona: Finance
question: Which charges are for days before the billing period that they came in?
parameters:
  first: {type: month, default: 11 months ago, about: First billing month}
  last: {type: month, default: this month, about: Last billing month}
columns: {SourceId: text, ServiceProviderName: text, Month: month, ChargeMonth: month, Charges: count, BillingCurrency: currency, BilledCost: money}
chart: {label: Month, value: BilledCost, series: ServiceProviderName}
*/
SELECT x_SourceId AS SourceId, ServiceProviderName, x_BillingMonth AS Month, strftime(ChargePeriodStart, '%Y-%m') AS ChargeMonth,
  count(*) AS Charges, BillingCurrency, sum(BilledCost) AS BilledCost
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ChargePeriodStart < BillingPeriodStart
GROUP BY 1, 2, 3, 4, 6
ORDER BY BillingCurrency, Month, ChargeMonth, SourceId, ServiceProviderName
