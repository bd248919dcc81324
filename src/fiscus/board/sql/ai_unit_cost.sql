-- What AI models cost and how many tokens they used: charges of AI services that are measured in tokens, no credits or taxes.
-- What went through the gateway counts until the vendor's own bill has it.
SELECT
    coalesce(ServiceProviderName, 'unknown') AS provider,
    coalesce(json_extract_string(SkuPriceDetails, '$.x_ModelId'), SkuMeter, ServiceName, 'unknown') AS model,
    sum(CASE WHEN ChargePeriodStart >= $start THEN EffectiveCost ELSE 0 END) AS cost,
    sum(CASE WHEN ChargePeriodStart >= $start THEN ConsumedQuantity ELSE 0 END) AS tokens,
    sum(CASE WHEN ChargePeriodStart < $start THEN EffectiveCost ELSE 0 END) AS cost_before,
    sum(CASE WHEN ChargePeriodStart < $start THEN ConsumedQuantity ELSE 0 END) AS tokens_before
FROM counted_charges
WHERE BillingCurrency = $currency
  AND ServiceCategory = 'AI and Machine Learning'
  AND ChargeCategory = 'Usage'
  AND lower(ConsumedUnit) LIKE '%token%'
  AND (x_SourceId NOT LIKE 'gateway-%' OR EffectiveCost <> 0)
  AND ChargePeriodStart >= $before AND ChargePeriodStart < $until
GROUP BY ALL
ORDER BY cost DESC, provider, model
