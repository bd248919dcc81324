-- What was corrected of closed months since they were closed: reported + correction = restated, per source and currency.
SELECT
    x_SourceId, x_BillingMonth, BillingCurrency, x_Closed, ReportedBilledCost, CorrectionBilledCost, RestatedBilledCost,
    ReportedEffectiveCost, CorrectionEffectiveCost, RestatedEffectiveCost, ReportedRows, RestatedRows
FROM corrections
WHERE x_Closed IS NOT NULL
ORDER BY x_BillingMonth DESC, x_SourceId, BillingCurrency
