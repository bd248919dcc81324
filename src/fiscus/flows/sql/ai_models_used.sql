-- What went through the gateway of each model, by tier and meter.
SELECT
    x_SourceId AS source, ServiceProviderName AS provider, coalesce(x_AiModel, '') AS model, BillingCurrency AS currency,
    coalesce(json_extract_string(SkuPriceDetails, '$.x_ServiceTier'), 'standard') AS tier, SkuMeter AS meter,
    sum(ConsumedQuantity) AS quantity, count(*) AS rows
FROM charges
WHERE x_SourceId LIKE 'gateway-%' AND ChargePeriodStart >= $since AND ChargePeriodStart < $until
GROUP BY ALL
ORDER BY ALL
