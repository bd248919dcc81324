/*
title: Regions of each subaccount
persona: Engineering
question: In which regions does each subaccount run something?
use_case: report-subaccount-regions
parameters:
  since: {type: day, default: start of last month, about: First day}
  until: {type: day, default: start of this month, about: The day after the last}
columns: {ServiceProviderName: text, SubAccountId: text, RegionId: text, RegionName: text, Charges: count}
*/
SELECT ServiceProviderName, SubAccountId, RegionId, RegionName, count(*) AS Charges
FROM counted_bare_charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND RegionId IS NOT NULL
GROUP BY ServiceProviderName, SubAccountId, RegionId, RegionName
ORDER BY ServiceProviderName, SubAccountId, RegionId, RegionName
