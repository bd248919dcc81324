/*
title: Cost of moving data
persona: Engineering
question: What does moving data cost, by service, region and owner?
parameters:
  first: {type: month, default: last month, about: First billing month}
  last: {type: month, default: last month, about: Last billing month}
columns: {ServiceProviderName: text, ServiceName: text, RegionId: text, ChargeDescription: text, Owner: text, BillingCurrency: currency, EffectiveCost: money}
chart: {label: ChargeDescription, value: EffectiveCost}
*/
SELECT ServiceProviderName, ServiceName, RegionId, ChargeDescription, x_Owner AS Owner, BillingCurrency,
  sum(EffectiveCost) AS EffectiveCost
FROM counted_charges
WHERE x_BillingMonth BETWEEN $first AND $last AND ChargeCategory = 'Usage'
  AND (ServiceCategory = 'Networking' OR regexp_matches(ChargeDescription, 'transfer|egress|bandwidth', 'i'))
GROUP BY ServiceProviderName, ServiceName, RegionId, ChargeDescription, x_Owner, BillingCurrency
ORDER BY BillingCurrency, EffectiveCost DESC, ServiceProviderName, ServiceName, RegionId, ChargeDescription, Owner
