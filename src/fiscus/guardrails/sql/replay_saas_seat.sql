-- Seats on a bill (a purchase whose unit is a seat, a user or a licence): each row is one request for those seats.
SELECT
    CAST(ChargePeriodStart AS DATE) AS day,
    coalesce(x_Owner, '') AS owner, coalesce(x_Team, '') AS team, coalesce(x_Environment, '') AS environment,
    coalesce(x_Product, '') AS product, coalesce(ServiceProviderName, '') AS provider, coalesce(ServiceName, '') AS service,
    BillingCurrency AS currency, BilledCost AS amount, CAST(1 AS BIGINT) AS charges,
    struct_pack(
        vendor := coalesce(ServiceProviderName, ''), plan := coalesce(ServiceName, ''), po := coalesce(Tags['po'], ''),
        approved_by := coalesce(Tags['approval'], ''), seats := TRY_CAST(PricingQuantity AS BIGINT),
        seat_price := CAST(CAST(ContractedUnitPrice AS DECIMAL(28,9)) AS VARCHAR)
    ) AS attributes
FROM counted_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
    AND ChargeCategory = 'Purchase' AND coalesce(CommitmentDiscountId, '') = '' AND BilledCost > 0
    AND regexp_matches(coalesce(PricingUnit, ''), '(?i)seat|user|licen[cs]e|member')
ORDER BY day, provider, service, team, amount
