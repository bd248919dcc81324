-- Usage that a commitment could cover, by the day, at what it costs without one; and what the ones that exist cost that day.
-- Spot (PricingCategory 'Dynamic') takes no commitment. A family is the machine type or its series, as the vendor bills it.
-- Usage that is taken back counts against its day, which is never less than none.
-- Costs of a commitment that nothing used stand on rows of its own, without region or machine: of those that cover the scope.
WITH seen AS (
    SELECT
        CAST(ChargePeriodStart AS DATE) AS day, coalesce(PricingCategory, 'Standard') AS pricing,
        CommitmentDiscountId AS commitment, coalesce(CommitmentDiscountStatus, '') AS status, EffectiveCost AS effective,
        CASE WHEN ContractedCost <> 0 THEN ContractedCost ELSE ListCost END AS on_demand,
        ($service = '' OR coalesce(ServiceName, '') = $service) AND ($region = '' OR coalesce(RegionId, '') = $region)
        AND ($family = ''
            OR lower(coalesce(SkuMeter, '')) LIKE '%' || lower($family) || '%'
            OR lower(coalesce(CASE WHEN json_valid(SkuPriceDetails)
                THEN json_extract_string(SkuPriceDetails, '$.InstanceType') END, '')) LIKE lower($family) || '%'
            OR lower(coalesce(CASE WHEN json_valid(SkuPriceDetails)
                THEN json_extract_string(SkuPriceDetails, '$.InstanceSeries') END, '')) = lower($family)) AS inside
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
      AND ChargeCategory = 'Usage' AND ChargeClass IS NULL AND BillingCurrency = $currency
      AND ServiceProviderName = $provider
),
covering AS (SELECT DISTINCT commitment FROM seen WHERE inside AND status = 'Used' AND commitment IS NOT NULL)
SELECT
    s.day,
    greatest(coalesce(sum(s.on_demand) FILTER (s.inside AND s.commitment IS NULL AND s.pricing = 'Standard'), 0), 0) AS on_demand,
    coalesce(sum(s.on_demand) FILTER (s.inside AND s.status = 'Used'), 0) AS covered,
    coalesce(sum(s.effective) FILTER (s.inside AND s.status = 'Used'), 0) AS used,
    coalesce(sum(s.effective) FILTER (s.status = 'Unused' AND c.commitment IS NOT NULL), 0) AS unused
FROM seen s
LEFT JOIN covering c ON c.commitment = s.commitment
GROUP BY s.day
ORDER BY s.day
