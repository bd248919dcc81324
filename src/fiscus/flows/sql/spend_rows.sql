-- The charges behind a number, largest first; `matching` counts all of them, `matching_cost` is their sum.
SELECT
    CAST(ChargePeriodStart AS DATE) AS day, EffectiveCost, BilledCost, BillingCurrency,
    x_SourceId, ServiceProviderName, ServiceName, ChargeCategory, ChargeDescription,
    SubAccountName, ResourceId, RegionId, x_Team, x_Owner, x_Environment, x_AssignmentRule,
    count(*) OVER () AS matching,
    sum({metric}) OVER () AS matching_cost
FROM {charges}
WHERE {where}
ORDER BY abs({metric}) DESC, ChargePeriodStart, ChargeDescription, ResourceId
LIMIT $rows_max
