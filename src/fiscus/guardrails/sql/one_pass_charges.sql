SELECT
    {{columns}},
    ChargePeriodStart AS started,
    CASE WHEN ChargeCategory = 'Purchase' THEN BilledCost ELSE EffectiveCost END AS cost
FROM counted_bare_charges
WHERE ChargePeriodStart < $until AND {{windows}}
