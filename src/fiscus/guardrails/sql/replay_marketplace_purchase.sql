-- Purchases on a cloud's marketplace (the host is a cloud, the provider is not that cloud): each row is one purchase.
SELECT
    CAST(ChargePeriodStart AS DATE) AS day,
    coalesce(x_Owner, '') AS owner, coalesce(x_Team, '') AS team, coalesce(x_Environment, '') AS environment,
    coalesce(x_Product, '') AS product, coalesce(HostProviderName, '') AS provider, coalesce(ServiceName, '') AS service,
    BillingCurrency AS currency, BilledCost AS amount, CAST(1 AS BIGINT) AS charges,
    struct_pack(
        vendor := coalesce(ServiceProviderName, ''), marketplace := coalesce(HostProviderName, ''),
        listing := coalesce(nullif(ServiceName, ''), ChargeDescription, ''), po := coalesce(Tags['po'], ''),
        approved_by := coalesce(Tags['approval'], '')
    ) AS attributes
FROM counted_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
    AND ChargeCategory = 'Purchase' AND coalesce(CommitmentDiscountId, '') = '' AND BilledCost > 0
    AND HostProviderName <> ServiceProviderName
ORDER BY day, service, team, amount
