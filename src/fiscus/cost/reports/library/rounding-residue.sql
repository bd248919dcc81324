/*
title: What rounding took
persona: Finance
question: How much of the money on the files is below the last digit that we keep?
parameters:
  first: {type: month, default: 11 months ago, about: First billing month}
  last: {type: month, default: this month, about: Last billing month}
columns: {SourceId: text, Month: month, RoundedCells: count, BillingCurrency: currency, BilledCost: money, Residue: price}
*/
SELECT x_SourceId AS SourceId, x_BillingMonth AS Month, sum(x_RoundedCells) AS RoundedCells, BillingCurrency,
  sum(BilledCost) AS BilledCost, sum(x_RoundingResidue) AS Residue
FROM bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY x_SourceId, x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month, SourceId
