-- AI usage as what would have been asked for: a day of one model by one team in one environment is one request of its cost.
-- Days are taken of the instant as UTC writes it: a tenth of the time of asking a calendar for each charge.
SELECT
    CAST(make_timestamp(epoch_us(ChargePeriodStart)) AS DATE) AS day,
    coalesce(x_Owner, '') AS owner, coalesce(x_Team, '') AS team, coalesce(x_Environment, '') AS environment,
    coalesce(x_Product, '') AS product, coalesce(ServiceProviderName, '') AS provider, coalesce(ServiceName, '') AS service,
    BillingCurrency AS currency, sum(EffectiveCost) AS amount, CAST(count(*) AS BIGINT) AS charges,
    struct_pack(
        model := CASE WHEN json_valid(SkuPriceDetails) THEN
            coalesce(json_extract_string(SkuPriceDetails, '/ModelId'), json_extract_string(SkuPriceDetails, '/x_ModelId'), '')
        ELSE '' END
    ) AS attributes
FROM counted_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
    AND ServiceCategory = 'AI and Machine Learning' AND ChargeCategory = 'Usage'
GROUP BY ALL
HAVING sum(EffectiveCost) > 0
ORDER BY day, team, environment, provider, service, owner, product, currency, attributes
