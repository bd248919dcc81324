-- What each provider cost in the month, against as many days of the month before; all charge categories, one currency.
SELECT
    coalesce(ServiceProviderName, 'unknown') AS provider,
    sum(CASE WHEN ChargePeriodStart >= $start THEN EffectiveCost ELSE 0 END) AS cost,
    sum(CASE WHEN ChargePeriodStart < $before_until THEN EffectiveCost ELSE 0 END) AS before,
    sum(CASE WHEN ChargePeriodStart >= $start THEN 1 ELSE 0 END) AS charges
FROM counted_charges
WHERE BillingCurrency = $currency
  AND ChargePeriodStart >= $before AND ChargePeriodStart < $until
  AND (ChargePeriodStart >= $start OR ChargePeriodStart < $before_until)
GROUP BY ALL
ORDER BY cost DESC, provider
