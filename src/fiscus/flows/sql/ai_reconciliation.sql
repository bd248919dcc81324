-- What the gateway counted (here) and what the vendors billed (there), by provider, day and model, for providers that the gateway
-- leads to and from the first day on which it did.
WITH ours AS (
    SELECT ServiceProviderName AS provider, CAST(min(ChargePeriodStart) AS DATE) AS first
    FROM counted_charges
    WHERE x_SourceId LIKE 'gateway-%' AND ChargePeriodStart < $until
    GROUP BY ServiceProviderName
)
SELECT
    ServiceProviderName AS provider, CAST(ChargePeriodStart AS DATE) AS day, BillingCurrency AS currency,
    coalesce(x_AiModel, '') AS model,
    coalesce(sum(ContractedCost) FILTER (x_SourceId LIKE 'gateway-%'), 0) AS here,
    coalesce(sum(EffectiveCost) FILTER (x_SourceId NOT LIKE 'gateway-%'), 0) AS there,
    coalesce(sum(ContractedCost) FILTER (x_SourceId LIKE 'gateway-%' AND x_Extra['x_GatewayEstimated'] = 'true'), 0) AS guessed
FROM counted_charges JOIN ours ON ours.provider = ServiceProviderName
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND CAST(ChargePeriodStart AS DATE) >= ours.first
    AND ServiceCategory = 'AI and Machine Learning' AND ChargeCategory = 'Usage'
GROUP BY ALL
ORDER BY ALL
