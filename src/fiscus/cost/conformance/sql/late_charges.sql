-- Charges of days that the delivery before had closed: older than its newest day by more than the lateness usual for this vendor
-- (three days, or the length of time over which its last days were still filling), in an amount that was not there. What lasts
-- longer than a day, such as the tax of a month, is on no day of its own.
-- columns: ChargePeriodStart ChargePeriodEnd BilledCost
-- beside: ChargePeriodStart BilledCost BillingCurrency
WITH seen AS (
    SELECT CAST(TRY_CAST(ChargePeriodStart AS TIMESTAMP) AS DATE) AS day, BillingCurrency AS currency,
        sum(TRY_CAST(BilledCost AS DECIMAL(38,12))) AS amount
    FROM previous WHERE ChargeClass IS DISTINCT FROM 'Correction'
        AND (CAST(TRY_CAST(ChargePeriodEnd AS TIMESTAMP) AS DATE) > CAST(TRY_CAST(ChargePeriodStart AS TIMESTAMP) AS DATE) + 1) IS NOT TRUE
    GROUP BY ALL),
usual AS (
    SELECT seen.currency, max(day) AS newest, min(day) AS oldest, greatest(3, count_if(amount < middle.amount_of / 2)) AS late_days
    FROM seen JOIN (SELECT currency, quantile_disc(amount, 0.5) AS amount_of FROM seen GROUP BY currency) middle
        ON middle.currency = seen.currency
    GROUP BY seen.currency)
SELECT 'broken' AS status, now.place, now.number_of_rows, now.currency, now.amount - coalesce(seen.amount, 0) AS amount,
    now.day || ' grew by ' || (now.amount - coalesce(seen.amount, 0)) AS what
FROM (SELECT CAST(moment(ChargePeriodStart) AS DATE) AS day, BillingCurrency AS currency, count(*) AS number_of_rows,
        sum(amount(BilledCost)) AS amount, min(x__row) AS place FROM delivery WHERE ChargeClass IS DISTINCT FROM 'Correction'
            AND (CAST(moment(ChargePeriodEnd) AS DATE) > CAST(moment(ChargePeriodStart) AS DATE) + 1) IS NOT TRUE GROUP BY ALL) now
JOIN usual ON usual.currency = now.currency
LEFT JOIN seen ON seen.day = now.day AND seen.currency = now.currency
WHERE now.day < usual.newest - CAST(usual.late_days AS INTEGER) AND now.day >= usual.oldest
    AND abs(now.amount - coalesce(seen.amount, 0)) > 0.01
