-- What a scope cost by month, to hold against the volume that it brought about.
SELECT strftime(CAST(ChargePeriodStart AS DATE), '%Y-%m') AS month, sum(EffectiveCost) AS cost
FROM counted_charges
WHERE BillingCurrency = $currency AND ChargePeriodStart >= $since AND ChargePeriodStart < $until
  AND {{where}}
GROUP BY ALL
ORDER BY month
