-- Spend of the month in each billing currency and in the reporting currency, by the rates of each day.
SELECT
    BillingCurrency AS currency,
    sum(EffectiveCost) AS effective_cost,
    sum(x_ReportingEffectiveCost) AS reported,
    CAST(min(x_ReportingRate) AS VARCHAR) AS lowest_rate,
    CAST(max(x_ReportingRate) AS VARCHAR) AS highest_rate,
    sum(CASE WHEN x_ReportingRate IS NULL THEN EffectiveCost ELSE 0 END) AS not_converted,
    count(*) AS charges
FROM reported_counted_charges
WHERE ChargePeriodStart >= $start AND ChargePeriodStart < $until
GROUP BY ALL
ORDER BY currency
