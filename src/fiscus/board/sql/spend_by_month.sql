-- Spend by month and service category, the last thirteen months up to the end of the pack's window.
SELECT
    CAST(date_trunc('month', CAST(ChargePeriodStart AS DATE)) AS DATE) AS month,
    coalesce(ServiceCategory, 'Other') AS category,
    sum(EffectiveCost) AS cost
FROM counted_charges
WHERE BillingCurrency = $currency AND ChargePeriodStart >= $since AND ChargePeriodStart < $until
GROUP BY ALL
ORDER BY month, cost DESC, category
