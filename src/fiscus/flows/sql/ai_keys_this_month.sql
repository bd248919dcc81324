-- What each virtual key's calls cost from a day on, by the gateway's own rows; what a vendor's bill says stands in ListCost too.
SELECT coalesce(x_AiKey, '') AS key_id, BillingCurrency AS currency, sum(ListCost) AS cost
FROM charges
WHERE x_SourceId LIKE 'gateway-%' AND ChargePeriodStart >= $since
GROUP BY ALL
ORDER BY ALL
