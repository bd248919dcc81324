-- Spend by day, for the forecast of the company's total.
SELECT CAST(ChargePeriodStart AS DATE) AS day, sum(EffectiveCost) AS cost
FROM counted_charges
WHERE BillingCurrency = $currency AND ChargePeriodStart >= $since AND ChargePeriodStart < $until
GROUP BY ALL
ORDER BY day
