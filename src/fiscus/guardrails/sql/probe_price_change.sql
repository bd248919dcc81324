-- Known charges for the detector of prices: `rises` steps up four days before the end, `stays` does not.
WITH charges AS (
    SELECT
        'Probe' AS ServiceProviderName, 'Probe' AS ServiceName, sku AS ChargeDescription, sku AS SkuId, 'GB' AS PricingUnit,
        CAST(NULL AS VARCHAR) AS RegionId, 'USD' AS BillingCurrency, 'Usage' AS ChargeCategory, CAST(NULL AS VARCHAR) AS ChargeClass,
        'Standard' AS PricingCategory, CAST(NULL AS VARCHAR) AS CommitmentDiscountId, strftime(day, '%Y-%m') AS x_BillingMonth,
        CAST(day AS TIMESTAMPTZ) AS ChargePeriodStart, CAST(10 AS DECIMAL(38, 18)) AS PricingQuantity,
        price AS ContractedUnitPrice, price AS ListUnitPrice, CAST(price * 10 AS DECIMAL(28, 12)) AS EffectiveCost
    FROM (
        SELECT
            sku, day,
            CASE WHEN sku = 'rises' AND n <= 4 THEN CAST($probe_price AS DECIMAL(38, 18)) ELSE CAST(1 AS DECIMAL(38, 18)) END AS price
        FROM (SELECT n, CAST(CAST($until AS DATE) - CAST(n AS INTEGER) AS DATE) AS day FROM range(1, 30) AS days(n))
        CROSS JOIN (VALUES ('rises'), ('stays')) AS skus(sku)
    )
),
