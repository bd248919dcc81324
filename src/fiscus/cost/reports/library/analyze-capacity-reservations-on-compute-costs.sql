/*
title: Capacity reservations in compute cost
persona: FinOps
question: How much of compute runs in capacity reservations, and what do reservations cost that nothing runs in?
use_case: analyze-capacity-reservations-on-compute-costs
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
columns: {Reserved: text, ServiceProviderName: text, BillingAccountId: text, BillingCurrency: currency, BilledCost: money, EffectiveCost: money}
*/
SELECT CASE WHEN CapacityReservationId IS NULL THEN 'not reserved' WHEN CapacityReservationStatus = 'Unused' THEN 'reserved, unused'
    ELSE 'reserved, used' END AS Reserved,
  ServiceProviderName, BillingAccountId, BillingCurrency, sum(BilledCost) AS BilledCost, sum(EffectiveCost) AS EffectiveCost
FROM bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND ServiceCategory = 'Compute'
GROUP BY 1, 2, 3, 4
ORDER BY BillingCurrency, EffectiveCost DESC, ServiceProviderName, BillingAccountId, Reserved
