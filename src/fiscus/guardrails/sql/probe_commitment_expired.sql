-- Known charges for the detector of commitments: what `ends` covered runs on demand from eight days before the end, `holds` covers on.
WITH charges AS (
    SELECT
        'Probe' AS ServiceProviderName, 'Probe' AS ServiceName, 'probe' AS x_SourceId, 'USD' AS BillingCurrency,
        'Usage' AS ChargeCategory, CAST(NULL AS VARCHAR) AS ChargeClass, 'i-' || plan AS ResourceId, 'vm' AS SkuId,
        'Hours' AS PricingUnit, 'probe' AS x_Owner, 'probe' AS x_Team, 'probe' AS x_Environment,
        strftime(day, '%Y-%m') AS x_BillingMonth, CAST(day AS TIMESTAMPTZ) AS ChargePeriodStart,
        CASE WHEN covered THEN plan END AS CommitmentDiscountId, CASE WHEN covered THEN plan END AS CommitmentDiscountName,
        CASE WHEN covered THEN 'Probe' END AS CommitmentDiscountType, CASE WHEN covered THEN 'Used' END AS CommitmentDiscountStatus,
        CASE WHEN covered THEN 'Committed' ELSE 'Standard' END AS PricingCategory,
        CAST(24 AS DECIMAL(38, 18)) AS PricingQuantity,
        CASE WHEN covered THEN CAST(12 AS DECIMAL(28, 12)) ELSE CAST(24 AS DECIMAL(28, 12)) END AS EffectiveCost
    FROM (
        SELECT plan, CAST(CAST($until AS DATE) - CAST(n AS INTEGER) AS DATE) AS day, plan = 'holds' OR n > 8 AS covered
        FROM range(1, 40) AS days(n)
        CROSS JOIN (VALUES ('ends'), ('holds')) AS plans(plan)
    )
),
