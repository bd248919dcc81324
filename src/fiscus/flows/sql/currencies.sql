-- Each billing currency as billed and as converted, the rates that were used, and what has none.
SELECT
    BillingCurrency AS currency, sum(BilledCost) AS billed, sum(EffectiveCost) AS effective, count(*) AS charges,
    sum(x_ReportingBilledCost) AS reported_billed, sum(x_ReportingEffectiveCost) AS reported_effective,
    min(x_ReportingRate) AS lowest, max(x_ReportingRate) AS highest,
    min(x_ReportingRateDate) AS first, max(x_ReportingRateDate) AS last,
    coalesce(sum(BilledCost) FILTER (x_ReportingRate IS NULL), 0) AS not_converted,
    coalesce(sum(EffectiveCost) FILTER (x_ReportingRate IS NULL), 0) AS not_converted_effective,
    count(*) FILTER (x_ReportingRate IS NULL) AS not_converted_charges,
    CAST(min(ChargePeriodStart) FILTER (x_ReportingRate IS NULL) AS DATE) AS not_converted_from,
    CAST(max(ChargePeriodStart) FILTER (x_ReportingRate IS NULL) AS DATE) AS not_converted_to
FROM reported_counted_charges
WHERE ChargePeriodStart >= $from_day AND ChargePeriodStart < $until_day
GROUP BY ALL
ORDER BY currency
