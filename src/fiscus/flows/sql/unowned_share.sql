-- Cost of the charges of some days per currency, and how much of it nobody owns.
SELECT
    BillingCurrency AS currency,
    sum(EffectiveCost) AS cost,
    coalesce(sum(EffectiveCost) FILTER (WHERE x_Team = 'unowned'), 0) AS unowned,
    count(*) AS charges
FROM counted_charges
WHERE ChargePeriodStart >= $from_day AND ChargePeriodStart < $until_day
GROUP BY BillingCurrency
ORDER BY cost DESC, currency
