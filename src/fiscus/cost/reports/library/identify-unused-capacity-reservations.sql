/*
title: Unused capacity reservations
persona: FinOps
question: Which capacity reservations are paid for and not used?
use_case: identify-unused-capacity-reservations
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
columns: {ServiceProviderName: text, BillingAccountId: text, CapacityReservationId: text, BillingCurrency: currency, BilledCost: money, EffectiveCost: money}
chart: {label: CapacityReservationId, value: EffectiveCost}
*/
SELECT ServiceProviderName, BillingAccountId, CapacityReservationId, BillingCurrency, sum(BilledCost) AS BilledCost,
  sum(EffectiveCost) AS EffectiveCost
FROM bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND CapacityReservationStatus = 'Unused'
GROUP BY ServiceProviderName, BillingAccountId, CapacityReservationId, BillingCurrency
ORDER BY BillingCurrency, EffectiveCost DESC, CapacityReservationId, ServiceProviderName, BillingAccountId
