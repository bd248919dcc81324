-- The charges behind one line of a backtest, the largest first.
SELECT
    ChargePeriodStart, ChargeCategory, ServiceProviderName, ServiceName, SubAccountName, ResourceId, ResourceName, RegionId,
    BilledCost, EffectiveCost, BillingCurrency, x_Owner, x_Team, x_Environment, Tags, ChargeDescription
FROM counted_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
    AND {{condition}}
    {{only}}
ORDER BY EffectiveCost DESC, BilledCost DESC, ChargePeriodStart, ResourceId
