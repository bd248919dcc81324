-- What was corrected of closed months since they were closed, per source and currency: reported + correction = restated. Changed is
-- the part of the correction that came since; the rest is what the month's own bill corrects of other months.
SELECT
    x_SourceId, x_BillingMonth, BillingCurrency, x_Closed, ReportedBilledCost, CorrectionBilledCost, RestatedBilledCost,
    ChangedBilledCost, ReportedEffectiveCost, CorrectionEffectiveCost, RestatedEffectiveCost, ChangedEffectiveCost,
    CAST(ReportedRows AS BIGINT), CAST(RestatedRows AS BIGINT), CAST(ChangedRows AS BIGINT)
FROM corrections
WHERE x_Closed IS NOT NULL
ORDER BY x_BillingMonth DESC, x_SourceId, BillingCurrency
