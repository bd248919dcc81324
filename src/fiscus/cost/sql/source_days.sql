-- What each source delivered of each day: charges for use of a day or less, by their start. What bills a month at once says nothing
-- of days.
-- Days are taken of the instant as UTC writes it: a tenth of the time of asking a calendar for each charge.
SELECT x_SourceId AS source, CAST(make_timestamp(epoch_us(ChargePeriodStart)) AS DATE) AS day, count(*) AS charges
FROM bare_charges
WHERE ChargeCategory = 'Usage' AND ChargePeriodEnd - ChargePeriodStart <= INTERVAL 1 DAY AND x_SourceId NOT LIKE 'gateway-%'
    AND ChargePeriodStart >= $since AND ChargePeriodStart < $until
GROUP BY ALL
ORDER BY ALL
