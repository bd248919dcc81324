/*
title: The average rate of a component
persona: FinOps
question: What does one core, GPU or gigabyte cost an hour, by service and region?
use_case: calculate-average-rate-of-a-component-resource
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  property: {type: text, default: CoreCount, about: 'A numeric property of SkuPriceDetails, such as CoreCount or GpuCount'}
columns: {ServiceProviderName: text, ServiceName: text, RegionName: text, PricingUnit: text, Quantity: number, BillingCurrency: currency, EffectiveCost: money, Rate: price}
chart: {label: ServiceName, value: Rate}
*/
WITH measured AS (
  SELECT ServiceProviderName, ServiceName, RegionName, PricingUnit, BillingCurrency, EffectiveCost,
    CAST(PricingQuantity AS DECIMAL(24,6))
      * TRY_CAST(json_extract_string(SkuPriceDetails, '$."' || nullif(replace(replace($property, '\', ''), '"', ''), '') || '"')
        AS DECIMAL(12,3)) AS Quantity
  FROM bare_charges
  WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND json_valid(SkuPriceDetails)
)
SELECT ServiceProviderName, ServiceName, RegionName, PricingUnit, sum(Quantity) AS Quantity, BillingCurrency,
  sum(EffectiveCost) AS EffectiveCost,
  CAST(CAST(sum(EffectiveCost) AS DOUBLE) / nullif(sum(Quantity), 0) AS DECIMAL(38,9)) AS Rate
FROM measured
WHERE Quantity IS NOT NULL
GROUP BY ServiceProviderName, ServiceName, RegionName, PricingUnit, BillingCurrency
ORDER BY BillingCurrency, EffectiveCost DESC, ServiceProviderName, ServiceName, RegionName, PricingUnit
