-- The first day that each provider's bills do not cover yet.
SELECT ServiceProviderName AS provider, CAST(least(max(ChargePeriodEnd), $until) AS DATE) AS billed_until
FROM charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ServiceProviderName IS NOT NULL
GROUP BY ServiceProviderName
ORDER BY provider
