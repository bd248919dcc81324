-- An account that had charges on most days of the delivery before and has none now.
-- columns: SubAccountId ChargePeriodStart
-- beside: SubAccountId ChargePeriodStart BilledCost
SELECT 'broken' AS status, NULL::BIGINT AS place, before.number_of_rows, before.currency, before.amount,
    before.id || ' had charges on ' || before.days || ' days before' AS what
FROM (SELECT SubAccountId AS id, any_value(BillingCurrency) AS currency, count(*) AS number_of_rows,
        count(DISTINCT CAST(TRY_CAST(ChargePeriodStart AS TIMESTAMP) AS DATE)) AS days, sum(TRY_CAST(BilledCost AS DECIMAL(38,12))) AS amount
    FROM previous WHERE SubAccountId IS NOT NULL GROUP BY SubAccountId) before
WHERE before.days * 2 >= (SELECT count(DISTINCT CAST(TRY_CAST(ChargePeriodStart AS TIMESTAMP) AS DATE)) FROM previous)
    AND before.id NOT IN (SELECT SubAccountId FROM delivery WHERE SubAccountId IS NOT NULL)
