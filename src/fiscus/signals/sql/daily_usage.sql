-- What was used, by day, for each owner, service and environment: no purchases, taxes, credits, corrections or unused commitments.
-- Of a source's newest days that came only in part ($partial_from), nothing: they have not landed.
-- Days are taken of the instant as UTC writes it: a tenth of the time of asking a calendar for each charge.
SELECT
    x_Owner AS owner,
    x_Team AS team,
    coalesce(ServiceName, 'unknown') AS service,
    coalesce(ServiceProviderName, 'unknown') AS provider,
    x_Environment AS environment,
    BillingCurrency AS currency,
    CAST(make_timestamp(epoch_us(ChargePeriodStart)) AS DATE) AS day,
    sum(EffectiveCost) AS cost
FROM counted_charges
LEFT JOIN (SELECT unnest($partial_source) AS partial_source, CAST(unnest($partial_from) AS DATE) AS partial_from) AS partial
    ON partial_source = x_SourceId
WHERE ChargePeriodStart < $until
  AND (partial_from IS NULL OR CAST(make_timestamp(epoch_us(ChargePeriodStart)) AS DATE) < partial_from)
  AND ChargeCategory = 'Usage'
  AND ChargeClass IS NULL
  AND coalesce(CommitmentDiscountStatus, 'Used') <> 'Unused'
GROUP BY ALL
ORDER BY ALL
