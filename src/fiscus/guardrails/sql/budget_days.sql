-- What each budget's scope cost, by day. The charges are grouped once (cube); each shape of filters is one hash join with it.
-- Filled in: the columns that any scope asks for (d0, d1 ...), and one SELECT a shape, from budget_shape.sql.
-- A source with charges on most days is daily: what it has not delivered yet is missing. The silence of one that bills now and
-- then says nothing.
WITH cube AS MATERIALIZED (
    SELECT
        {{dimensions}}
        CAST(ChargePeriodStart AS DATE) AS day,
        BillingCurrency AS currency,
        ChargeCategory = 'Tax' AS is_tax,
        ChargeCategory = 'Credit' AS is_credit,
        x_SourceId AS source,
        {{metered}} AS is_metered,
        sum(EffectiveCost) AS effective,
        sum(BilledCost) AS billed,
        count(*) AS charges,
        max(ChargePeriodEnd) AS until
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until
    GROUP BY ALL
),
delivered AS (
    SELECT source, CAST(least(max(until), $until) AS DATE) AS last, min(day) AS first FROM cube GROUP BY source
),
rhythm AS (
    SELECT
        source, last, least(28, last - first) AS watched,
        count(DISTINCT day) FILTER (day >= last - 28 AND day < last) AS days
    FROM cube JOIN delivered USING (source)
    GROUP BY source, last, first
),
landed AS (
    SELECT
        source, watched >= 7 AND days * 10 >= watched * 7 AS is_daily,
        CASE WHEN days * 10 < watched * 7 AND (watched = 28 OR CAST($until AS DATE) - last > watched)
            THEN CAST($until AS DATE) ELSE last END AS landed
    FROM rhythm
)
{{shapes}}
UNION ALL
SELECT '' AS budget, min(day) AS day, NULL AS cost, NULL AS metered, 0 AS charges, max(day) AS landed, NULL AS complete FROM cube
