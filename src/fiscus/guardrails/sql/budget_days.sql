-- What each budget's scope cost, by day. The charges are read once and grouped by each shape of scopes that is asked for (the
-- dimensions that a scope filters by); each shape is then one hash join with its budgets. One cube of all dimensions would have
-- nearly as many rows as there are charges, once resources differ in enough of them.
-- What the gateway wrote is on no bill: the spend ledger counts it.
-- `flags`: 1 tax, 2 credit, 4 of a provider that the spend ledger meters, which `meter` names. Fewer columns to group by, and
-- faster for it.
-- Filled in: the columns that any scope asks for (d0, d1 ...), the grouping sets, and one SELECT a shape, from budget_shape.sql.
-- A source with charges on most days is daily: what it has not delivered yet is missing. The silence of one that bills now and
-- then says nothing. A tax or a fee of the whole month says nothing of the days to come: a daily source has delivered up to
-- the last day on which a charge of it begins, and before the first of its newest days that came only in part ($partial_from).
-- Days are taken of the instant as UTC writes it: a tenth of the time of asking a calendar for each charge.
WITH cube AS MATERIALIZED (
    SELECT
        {{columns}}
        {{shape}} AS shape, day, currency, source, flags, meter,
        sum(EffectiveCost) AS effective, sum(BilledCost) AS billed, count(*) AS charges, max(ChargePeriodEnd) AS until
    FROM (
        SELECT
            {{dimensions}}
            CAST(make_timestamp(epoch_us(ChargePeriodStart)) AS DATE) AS day,
            BillingCurrency AS currency,
            x_SourceId AS source,
            CASE ChargeCategory WHEN 'Tax' THEN 1 WHEN 'Credit' THEN 2 ELSE 0 END + CASE WHEN {{metered}} THEN 4 ELSE 0 END AS flags,
            CASE WHEN {{metered}} THEN ServiceProviderName ELSE '' END AS meter,
            EffectiveCost, BilledCost, ChargePeriodEnd
        FROM counted_charges
        WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_SourceId NOT LIKE 'gateway-%'
    )
    GROUP BY GROUPING SETS ({{sets}})
),
delivered AS (
    SELECT
        source, least(CAST(least(max(until), $until) AS DATE), min(partial_from)) AS last, min(day) AS first,
        least(max(day) + 1, min(partial_from)) AS seen
    FROM cube
    LEFT JOIN (SELECT unnest($partial_source) AS partial_source, CAST(unnest($partial_from) AS DATE) AS partial_from) AS partial
        ON partial_source = source
    WHERE shape = {{every}}
    GROUP BY source
),
rhythm AS (
    SELECT
        source, last, seen, least(28, least(last, seen) - first) AS watched,
        count(DISTINCT day) FILTER (day >= least(last, seen) - 28 AND day < least(last, seen)) AS days
    FROM cube JOIN delivered USING (source)
    WHERE shape = {{every}}
    GROUP BY source, last, first, seen
),
landed AS (
    SELECT
        source, watched >= 7 AND days * 10 >= watched * 7 AS is_daily,
        CASE WHEN days * 10 < watched * 7 AND (watched = 28 OR CAST($until AS DATE) - last > watched)
            THEN CAST($until AS DATE) WHEN watched >= 7 AND days * 10 >= watched * 7 THEN least(last, seen)
            ELSE last END AS landed
    FROM rhythm
)
{{shapes}}
UNION ALL
SELECT
    '' AS budget, min(day) AS day, NULL AS cost, NULL AS metered, 0 AS charges, max(day) AS landed, NULL AS complete,
    '' AS meter
FROM cube WHERE shape = {{every}}
