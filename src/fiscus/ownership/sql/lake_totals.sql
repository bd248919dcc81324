-- The same money, summed without owners and as they are stored: what the owned lines must add up to.
SELECT BillingCurrency AS currency, sum(EffectiveCost) AS effective_cost, sum(BilledCost) AS billed_cost, count(*) AS charges
FROM counted_bare_charges
GROUP BY ALL
ORDER BY currency
