-- What went through the gateway in the span, by model and by key: money, tokens, and how much of the input came from a cache.
SELECT
    CASE WHEN grouping(x_AiModel) = 0 THEN 'model' ELSE 'key' END AS kind,
    coalesce(CASE WHEN grouping(x_AiModel) = 0 THEN x_AiModel ELSE x_AiKey END, '') AS name,
    coalesce(CASE WHEN grouping(x_AiModel) = 0 THEN ServiceProviderName ELSE x_Team END, '') AS beside,
    BillingCurrency AS currency,
    sum(ContractedCost) AS cost,
    CAST(coalesce(sum(ConsumedQuantity) FILTER (ConsumedUnit = 'Tokens'), 0) AS BIGINT) AS tokens,
    CAST(coalesce(sum(ConsumedQuantity) FILTER (SkuMeter LIKE '%Input Tokens%'), 0) AS BIGINT) AS input_tokens,
    CAST(coalesce(sum(ConsumedQuantity) FILTER (SkuMeter LIKE 'Cache Read%'), 0) AS BIGINT) AS cached_tokens,
    coalesce(sum(ContractedCost) FILTER (ChargePeriodStart >= $lately), 0) AS lately
FROM charges
WHERE x_SourceId LIKE 'gateway-%' AND ChargePeriodStart >= $since AND ChargePeriodStart < $until
GROUP BY GROUPING SETS ((x_AiModel, ServiceProviderName, BillingCurrency), (x_AiKey, x_Team, BillingCurrency))
ORDER BY kind, cost DESC, name
