/*
title: Which days have landed
persona: FinOps
question: Until which day has each source delivered, and how many days of the month are missing?
parameters:
  first: {type: month, default: 2 months ago, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {SourceId: text, Month: month, FirstDay: day, LastDay: day, Days: count, DaysOfMonth: count, Charges: count, BillingCurrency: currency, BilledCost: money}
chart: {label: SourceId, value: Days}
*/
SELECT x_SourceId AS SourceId, x_BillingMonth AS Month, min(CAST(ChargePeriodStart AS DATE)) AS FirstDay,
  max(CAST(ChargePeriodStart AS DATE)) AS LastDay, count(DISTINCT CAST(ChargePeriodStart AS DATE)) AS Days,
  day(last_day(CAST(x_BillingMonth || '-01' AS DATE))) AS DaysOfMonth, count(*) AS Charges, BillingCurrency,
  sum(BilledCost) AS BilledCost
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY x_SourceId, x_BillingMonth, BillingCurrency
ORDER BY SourceId, Month, BillingCurrency
