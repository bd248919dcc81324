-- What each budget's scope cost, by day. The charges are grouped once (cube); each shape of filters is one hash join with it.
-- Filled in: the columns that any scope asks for (d0, d1 ...), and one SELECT a shape, from budget_shape.sql.
WITH cube AS MATERIALIZED (
    SELECT
        {{dimensions}}
        CAST(ChargePeriodStart AS DATE) AS day,
        BillingCurrency AS currency,
        ChargeCategory = 'Tax' AS is_tax,
        ChargeCategory = 'Credit' AS is_credit,
        x_SourceId AS source,
        sum(EffectiveCost) AS effective,
        sum(BilledCost) AS billed,
        count(*) AS charges,
        max(ChargePeriodEnd) AS until
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until
    GROUP BY ALL
),
landed AS (
    SELECT source, CAST(least(max(until), $until) AS DATE) AS landed FROM cube GROUP BY source
)
{{shapes}}
