/*
title: Budget variance by owner
persona: CFO
question: Who will be over budget at the end of the period, and by how much?
reads: [budgets]
columns: {Owner: text, BillingCurrency: currency, Budgets: count, Amount: money, Actual: money, Forecast: money, Variance: money, VarianceShare: percent}
chart: {label: Owner, value: Variance}
*/
SELECT owner AS Owner, currency AS BillingCurrency, count(*) AS Budgets, sum(amount) AS Amount, sum(actual) AS Actual,
  sum(forecast_p50) AS Forecast, sum(forecast_p50) - sum(amount) AS Variance,
  CAST(100 * CAST(sum(forecast_p50) - sum(amount) AS DOUBLE) / nullif(sum(amount), 0) AS DECIMAL(38,2)) AS VarianceShare
FROM budgets
WHERE parent = ''  -- a budget inside another is in its amount already
GROUP BY owner, currency
ORDER BY BillingCurrency, Variance DESC, Owner
