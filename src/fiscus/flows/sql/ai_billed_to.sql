-- Whom a vendor's bill names for some days: its own keys, else its projects or workspaces, the most money first.
SELECT coalesce(nullif(x_AiKey, ''), nullif(SubAccountId, '')) AS name, sum(EffectiveCost) AS cost
FROM counted_charges
WHERE x_SourceId NOT LIKE 'gateway-%' AND ServiceProviderName = $provider AND BillingCurrency = $currency
    AND ChargePeriodStart >= $since AND CAST(ChargePeriodStart AS DATE) IN (SELECT unnest($days))
    AND ServiceCategory = 'AI and Machine Learning' AND ChargeCategory = 'Usage'
    AND coalesce(nullif(x_AiKey, ''), nullif(SubAccountId, '')) IS NOT NULL
GROUP BY ALL
ORDER BY cost DESC, name
LIMIT 5
