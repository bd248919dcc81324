/*
title: From list price to what we pay
persona: CFO
question: How much do negotiation, commitments, credits and tax change between list price and what is billed?
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {Month: month, BillingCurrency: currency, ListCost: money, Negotiated: money, Committed: money, Unused: money, EffectiveCost: money, Credits: money, Tax: money}
chart: {label: Month, value: EffectiveCost}
*/
-- Of what was used: list price + negotiated + committed is its effective cost, and unused is beside it. A price that is not told
-- changes nothing. Purchases, credits, tax and adjustments make up the rest of EffectiveCost.
SELECT x_BillingMonth AS Month, BillingCurrency,
  coalesce(sum(coalesce(ListCost, ContractedCost, EffectiveCost)) FILTER (
    ChargeCategory = 'Usage' AND CommitmentDiscountStatus IS DISTINCT FROM 'Unused'), 0) AS ListCost,
  coalesce(sum(ContractedCost - ListCost) FILTER (
    ChargeCategory = 'Usage' AND CommitmentDiscountStatus IS DISTINCT FROM 'Unused'), 0) AS Negotiated,
  coalesce(sum(EffectiveCost - coalesce(ContractedCost, ListCost)) FILTER (
    ChargeCategory = 'Usage' AND CommitmentDiscountStatus IS DISTINCT FROM 'Unused'), 0) AS Committed,
  coalesce(sum(EffectiveCost) FILTER (ChargeCategory = 'Usage' AND CommitmentDiscountStatus = 'Unused'), 0) AS Unused,
  sum(EffectiveCost) AS EffectiveCost,
  coalesce(sum(EffectiveCost) FILTER (ChargeCategory = 'Credit'), 0) AS Credits,
  coalesce(sum(EffectiveCost) FILTER (ChargeCategory = 'Tax'), 0) AS Tax
FROM counted_bare_charges
WHERE x_BillingMonth BETWEEN $first AND $last
GROUP BY x_BillingMonth, BillingCurrency
ORDER BY BillingCurrency, Month
