/*
title: How much of a component was used
persona: Engineering
question: How many core, GPU or gigabyte hours were used, by service and region?
use_case: quantify-usage-of-a-component-resource
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
  property: {type: text, default: CoreCount, about: 'A numeric property of SkuPriceDetails, such as CoreCount or GpuCount'}
columns: {ServiceProviderName: text, ServiceName: text, RegionName: text, PricingUnit: text, Quantity: number}
chart: {label: ServiceName, value: Quantity}
*/
WITH measured AS (
  SELECT ServiceProviderName, ServiceName, RegionName, PricingUnit, CAST(PricingQuantity AS DECIMAL(24,6))
    * TRY_CAST(json_extract_string(SkuPriceDetails, '$."' || nullif(replace(replace($property, '\', ''), '"', ''), '') || '"')
        AS DECIMAL(12,3)) AS Quantity
  FROM counted_bare_charges
  WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND json_valid(SkuPriceDetails)
)
SELECT ServiceProviderName, ServiceName, RegionName, PricingUnit, sum(Quantity) AS Quantity
FROM measured
WHERE Quantity IS NOT NULL
GROUP BY ServiceProviderName, ServiceName, RegionName, PricingUnit
ORDER BY Quantity DESC, ServiceProviderName, ServiceName, RegionName, PricingUnit
