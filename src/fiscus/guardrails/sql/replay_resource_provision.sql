-- Resources first seen in the window as what would have been asked for: one request of what its first thirty days cost.
-- What the lake held from its first day on is not new: nobody knows when it was made.
-- Which are new is found first, from a few columns of all charges, so that owners and tags are read of their charges only.
WITH firsts AS (
    SELECT
        ResourceId AS resource, BillingCurrency AS currency, x_SourceId AS source, CAST(min(ChargePeriodStart) AS DATE) AS first_day
    FROM counted_bare_charges
    WHERE ChargeCategory = 'Usage' AND ResourceId <> '' AND ChargePeriodStart < $until
    GROUP BY ALL
),
beginnings AS (
    SELECT x_SourceId AS source, CAST(min(ChargePeriodStart) AS DATE) AS opened FROM counted_bare_charges GROUP BY ALL
),
new AS (
    SELECT firsts.resource, firsts.currency, firsts.source, firsts.first_day
    FROM firsts JOIN beginnings ON beginnings.source = firsts.source
    WHERE firsts.first_day > beginnings.opened AND firsts.first_day >= CAST($since AS DATE)
)
SELECT
    new.first_day AS day,
    coalesce(arg_max(c.x_Owner, c.EffectiveCost), '') AS owner, coalesce(arg_max(c.x_Team, c.EffectiveCost), '') AS team,
    coalesce(arg_max(c.x_Environment, c.EffectiveCost), '') AS environment,
    coalesce(arg_max(c.x_Product, c.EffectiveCost), '') AS product,
    coalesce(max(c.ServiceProviderName), '') AS provider, coalesce(arg_max(c.ServiceName, c.EffectiveCost), '') AS service,
    new.currency AS currency, sum(c.EffectiveCost) AS amount, CAST(count(*) AS BIGINT) AS charges,
    struct_pack(
        resource := new.resource, resource_type := coalesce(max(c.ResourceType), ''), region := coalesce(max(c.RegionId), ''),
        size := coalesce(max(CASE WHEN json_valid(c.SkuPriceDetails) THEN json_extract_string(c.SkuPriceDetails, '/InstanceType') END), ''),
        gpu := coalesce(bool_or(json_valid(c.SkuPriceDetails) AND coalesce(TRY_CAST(json_extract_string(c.SkuPriceDetails, '/GpuCount') AS INTEGER), 0) > 0), false),
        tags := any_value(c.Tags)
    ) AS attributes
FROM counted_charges c
JOIN new ON new.resource = c.ResourceId AND new.currency = c.BillingCurrency AND new.source = c.x_SourceId
WHERE c.ChargeCategory = 'Usage' AND c.ChargePeriodStart >= $since AND c.ChargePeriodStart < $until
    AND CAST(c.ChargePeriodStart AS DATE) < new.first_day + INTERVAL 30 DAY
GROUP BY new.resource, new.currency, new.source, new.first_day
HAVING sum(c.EffectiveCost) > 0
ORDER BY day, new.resource, new.currency
