-- Commitments first bought in the window: one request of what its first purchase was billed at.
-- A commitment that the lake held on the first day of its feed was bought before: nobody knows when.
WITH bought AS (
    SELECT *, CAST(ChargePeriodStart AS DATE) AS day,
        row_number() OVER (PARTITION BY CommitmentDiscountId, BillingCurrency ORDER BY ChargePeriodStart, BilledCost DESC) AS place
    FROM charges
    WHERE ChargeCategory = 'Purchase' AND CommitmentDiscountId <> '' AND ChargePeriodStart < $until
),
beginnings AS (
    SELECT x_SourceId AS source, min(CAST(ChargePeriodStart AS DATE)) AS opened FROM charges GROUP BY ALL
)
SELECT
    day, coalesce(x_Owner, '') AS owner, coalesce(x_Team, '') AS team, coalesce(x_Environment, '') AS environment,
    coalesce(x_Product, '') AS product, coalesce(ServiceProviderName, '') AS provider, coalesce(ServiceName, '') AS service,
    BillingCurrency AS currency, BilledCost AS amount, CAST(1 AS BIGINT) AS charges,
    struct_pack(
        resource := CommitmentDiscountId, commitment_kind := coalesce(CommitmentDiscountType, ''),
        region := coalesce(RegionId, ''), po := coalesce(Tags['po'], ''), approved_by := coalesce(Tags['approval'], '')
    ) AS attributes
FROM bought
JOIN beginnings ON beginnings.source = x_SourceId AND day > opened
WHERE place = 1 AND day >= CAST($since AS DATE) AND BilledCost > 0
ORDER BY day, attributes
