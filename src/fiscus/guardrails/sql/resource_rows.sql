-- Each resource as one row of its charges in the window. What it is called, tagged and owned by is what its newest charge says. Its
-- days are bits, a hundred to a number (windows have at most 400): counting distinct days takes three times as long as all the rest.
WITH seen AS (
    SELECT
        *, CAST(ChargePeriodStart AS DATE) AS day, CAST($until AS DATE) - CAST(ChargePeriodStart AS DATE) - 1 AS ago,
        CASE WHEN ChargeCategory = 'Purchase' THEN BilledCost ELSE EffectiveCost END AS worth
    FROM counted_charges
    WHERE ChargePeriodStart < $until AND ChargePeriodStart >= $since AND x_BillingMonth >= $billing_month AND ResourceId <> ''
)
SELECT
    ResourceId AS id, coalesce(ServiceProviderName, '') AS provider, coalesce(SubAccountId, '') AS sub_account,
    x_SourceId AS source, BillingCurrency AS currency,
    coalesce(max_by(ResourceName, ChargePeriodStart), '') AS name,
    coalesce(max_by(ResourceType, ChargePeriodStart), '') AS type,
    coalesce(max_by(ServiceName, ChargePeriodStart), '') AS service,
    coalesce(max_by(ServiceCategory, ChargePeriodStart), '') AS service_category,
    coalesce(max_by(ServiceSubcategory, ChargePeriodStart), '') AS service_subcategory,
    coalesce(max_by(RegionId, ChargePeriodStart), '') AS region,
    coalesce(max_by(SubAccountName, ChargePeriodStart), '') AS account_name,
    coalesce(max_by(x_Owner, ChargePeriodStart), '') AS owner,
    coalesce(max_by(x_Team, ChargePeriodStart), '') AS team,
    coalesce(max_by(x_CostCentre, ChargePeriodStart), '') AS cost_centre,
    coalesce(max_by(x_Environment, ChargePeriodStart), '') AS environment,
    coalesce(max_by(x_Product, ChargePeriodStart), '') AS product,
    max_by(Tags, ChargePeriodStart) AS tags,
    sum(worth) AS cost, sum(BilledCost) AS billed_cost, sum(ListCost) AS list_cost,
    coalesce(sum(worth) FILTER (WHERE day >= CAST($until AS DATE) - 7), 0) AS cost_last_7_days,
    coalesce(sum(worth) FILTER (WHERE day >= CAST($until AS DATE) - 14 AND day < CAST($until AS DATE) - 7), 0)
        AS cost_7_days_before,
    sum(ConsumedQuantity) FILTER (WHERE ConsumedUnit IN ('Hours', 'Hour', 'Hrs')) AS hours,
    count(*) AS charges,
    CAST(coalesce(bit_count(bit_or(CAST(1 AS HUGEINT) << CAST(ago % 100 AS INTEGER)) FILTER (WHERE ago < 100)), 0)
        + coalesce(bit_count(bit_or(CAST(1 AS HUGEINT) << CAST(ago % 100 AS INTEGER)) FILTER (WHERE ago BETWEEN 100 AND 199)), 0)
        + coalesce(bit_count(bit_or(CAST(1 AS HUGEINT) << CAST(ago % 100 AS INTEGER)) FILTER (WHERE ago BETWEEN 200 AND 299)), 0)
        + coalesce(bit_count(bit_or(CAST(1 AS HUGEINT) << CAST(ago % 100 AS INTEGER)) FILTER (WHERE ago >= 300)), 0)
        AS BIGINT) AS days_seen,
    CAST(CAST($until AS DATE) - max(day) - 1 AS BIGINT) AS days_since_seen,
    CAST(CAST($until AS DATE) - min(day) AS BIGINT) AS age_days,
    CAST(min(day) AS VARCHAR) AS first_seen, CAST(max(day) AS VARCHAR) AS last_seen,
    min(day) AS first_day, max(day) AS last_day,
    bool_or(CommitmentDiscountId IS NOT NULL) AS committed
FROM seen
GROUP BY ALL
