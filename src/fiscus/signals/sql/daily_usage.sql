-- What was used, by day, for each owner, service and environment: no purchases, taxes, credits, corrections or unused commitments.
SELECT
    x_Owner AS owner,
    x_Team AS team,
    coalesce(ServiceName, 'unknown') AS service,
    coalesce(ServiceProviderName, 'unknown') AS provider,
    x_Environment AS environment,
    BillingCurrency AS currency,
    CAST(ChargePeriodStart AS DATE) AS day,
    sum(EffectiveCost) AS cost
FROM charges
WHERE ChargePeriodStart < $until
  AND ChargeCategory = 'Usage'
  AND ChargeClass IS NULL
  AND coalesce(CommitmentDiscountStatus, 'Used') <> 'Unused'
GROUP BY ALL
ORDER BY ALL
