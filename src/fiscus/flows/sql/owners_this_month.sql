-- Cost by team and currency over some days, with the rules that decided.
SELECT x_Team, BillingCurrency, sum(EffectiveCost) AS cost, count(*) AS charges, list_sort(list(DISTINCT x_AssignmentRule)) AS rules
FROM counted_charges
WHERE ChargePeriodStart >= $from_day AND ChargePeriodStart < $until_day
GROUP BY x_Team, BillingCurrency
