-- A billing period that holds row for row what the delivery before held: nothing new came, or it came twice.
-- columns: BillingPeriodStart BilledCost
-- beside: BillingPeriodStart BilledCost BillingCurrency
SELECT 'broken' AS status, now.place, now.number_of_rows, now.currency, now.amount, now.begins::VARCHAR || ' is as before' AS what
FROM (SELECT moment(BillingPeriodStart) AS begins, BillingCurrency AS currency, count(*) AS number_of_rows,
        sum(amount(BilledCost)) AS amount, min(x__row) AS place FROM delivery GROUP BY ALL) now
JOIN (SELECT TRY_CAST(BillingPeriodStart AS TIMESTAMP) AS begins, BillingCurrency AS currency, count(*) AS number_of_rows, sum(TRY_CAST(BilledCost AS DECIMAL(38,12))) AS amount
    FROM previous GROUP BY ALL) before
    ON before.begins = now.begins AND before.currency = now.currency AND before.number_of_rows = now.number_of_rows AND before.amount = now.amount
