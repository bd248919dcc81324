-- Resources first seen in the window as what would have been asked for: one request of what its first thirty days cost.
-- What the lake held from its first day on is not new: nobody knows when it was made.
WITH mine AS (
    SELECT
        ResourceId AS resource, BillingCurrency AS currency, ServiceProviderName AS provider_name,
        CAST(ChargePeriodStart AS DATE) AS day, *
    FROM counted_charges
    WHERE ChargeCategory = 'Usage' AND ResourceId <> '' AND ChargePeriodStart < $until
),
beginnings AS (
    SELECT x_SourceId AS source, min(CAST(ChargePeriodStart AS DATE)) AS opened FROM counted_charges GROUP BY ALL
),
firsts AS (
    SELECT resource, currency, x_SourceId AS source, min(day) AS first_day FROM mine GROUP BY ALL
)
SELECT
    firsts.first_day AS day,
    coalesce(arg_max(x_Owner, EffectiveCost), '') AS owner, coalesce(arg_max(x_Team, EffectiveCost), '') AS team,
    coalesce(arg_max(x_Environment, EffectiveCost), '') AS environment,
    coalesce(arg_max(x_Product, EffectiveCost), '') AS product,
    coalesce(max(provider_name), '') AS provider, coalesce(arg_max(ServiceName, EffectiveCost), '') AS service,
    firsts.currency AS currency, sum(EffectiveCost) AS amount, CAST(count(*) AS BIGINT) AS charges,
    struct_pack(
        resource := firsts.resource, resource_type := coalesce(max(ResourceType), ''), region := coalesce(max(RegionId), ''),
        size := coalesce(max(CASE WHEN json_valid(SkuPriceDetails) THEN json_extract_string(SkuPriceDetails, '/InstanceType') END), ''),
        gpu := coalesce(bool_or(json_valid(SkuPriceDetails) AND coalesce(TRY_CAST(json_extract_string(SkuPriceDetails, '/GpuCount') AS INTEGER), 0) > 0), false),
        tags := any_value(Tags)
    ) AS attributes
FROM mine
JOIN firsts ON firsts.resource = mine.resource AND firsts.currency = mine.currency AND firsts.source = mine.x_SourceId
JOIN beginnings ON beginnings.source = firsts.source AND firsts.first_day > beginnings.opened
WHERE firsts.first_day >= CAST($since AS DATE) AND mine.day < firsts.first_day + INTERVAL 30 DAY
GROUP BY firsts.resource, firsts.currency, firsts.source, firsts.first_day
HAVING sum(EffectiveCost) > 0
ORDER BY day, firsts.resource, firsts.currency
