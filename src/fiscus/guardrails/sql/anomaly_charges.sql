-- The charges of an anomaly: its owner's use of its service in its days.
SELECT sum(EffectiveCost) AS amount, count(*) AS charges, min(CAST(ChargePeriodStart AS DATE)) AS first_day,
    max(CAST(ChargePeriodStart AS DATE)) AS last_day
FROM counted_charges
WHERE ChargePeriodStart >= $start AND ChargePeriodStart < $end
    AND ChargeCategory = 'Usage' AND ChargeClass IS NULL AND coalesce(CommitmentDiscountStatus, 'Used') <> 'Unused'
    AND x_Owner = $owner AND x_Team = $team AND coalesce(ServiceName, 'unknown') = $service
    AND coalesce(ServiceProviderName, 'unknown') = $provider AND x_Environment = $environment AND BillingCurrency = $currency
