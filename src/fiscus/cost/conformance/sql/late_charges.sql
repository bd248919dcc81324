-- Charges of days that the delivery before had closed: older than its newest day by more than the lateness usual for this vendor
-- (three days, or the length of time over which its last days were still filling), in an amount that was not there.
-- columns: ChargePeriodStart BilledCost
-- beside: ChargePeriodStart BilledCost
WITH seen AS (
    SELECT CAST(TRY_CAST(ChargePeriodStart AS TIMESTAMP) AS DATE) AS day, sum(TRY_CAST(BilledCost AS DECIMAL(38,12))) AS amount
    FROM previous GROUP BY ALL),
usual AS (
    SELECT max(day) AS newest, greatest(3, count_if(amount < (SELECT quantile_disc(amount, 0.5) FROM seen) / 2)) AS late_days FROM seen)
SELECT 'broken' AS status, now.place, now.number_of_rows, now.currency, now.amount - coalesce(seen.amount, 0) AS amount,
    now.day || ' grew by ' || (now.amount - coalesce(seen.amount, 0)) AS what
FROM (SELECT CAST(moment(ChargePeriodStart) AS DATE) AS day, BillingCurrency AS currency, count(*) AS number_of_rows,
        sum(amount(BilledCost)) AS amount, min(x__row) AS place FROM delivery WHERE ChargeClass IS DISTINCT FROM 'Correction' GROUP BY ALL) now
LEFT JOIN seen ON seen.day = now.day, usual
WHERE now.day < usual.newest - CAST(usual.late_days AS INTEGER) AND now.day >= (SELECT min(day) FROM seen)
    AND abs(now.amount - coalesce(seen.amount, 0)) > 0.01
