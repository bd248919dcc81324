/*
title: Budgets that will break
persona: Finance
question: Which budgets will break, how sure is it, and whose are they?
reads: [budgets]
parameters:
  chance: {type: decimal, default: 0.5, about: 'The least chance of a breach, 0 to 1'}
columns: {Budget: text, Title: text, Owner: text, PeriodEnd: day, BillingCurrency: currency, Amount: money, Actual: money, Unbilled: money, Held: money, Committed: money, Headroom: money, Forecast: money, ChanceOfBreach: percent, State: text}
chart: {label: Budget, value: Forecast}
*/
SELECT budget_id AS Budget, title AS Title, owner AS Owner, period_end AS PeriodEnd, currency AS BillingCurrency, amount AS Amount,
  actual AS Actual, unbilled AS Unbilled, held AS Held, committed AS Committed, headroom AS Headroom, forecast_p50 AS Forecast,
  CAST(100 * p_breach AS DECIMAL(9,2)) AS ChanceOfBreach, state AS State
FROM budgets
WHERE p_breach >= CAST($chance AS DECIMAL(28,12)) OR state <> 'ok'
ORDER BY BillingCurrency, forecast_p50 - amount DESC, Budget
