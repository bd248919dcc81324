-- Each commitment that a charge before `until` names: what was paid for it, what its rows amortise, from when and until when.
-- A purchase counts as over when usage has come up to the end of its charge period: that of the sources that have usage of the
-- commitment, which may not be where it was bought; by daily rows, where there are any, because a row of a whole month is there
-- before its month is over. One currency.
-- A payment in advance bears the whole term as its charge period (FOCUS 1.4, ChargePeriodEnd of a One-Time Purchase).
WITH landed AS (
    SELECT x_SourceId AS source, min(ChargePeriodStart) AS begins, coalesce(
            max(ChargePeriodEnd) FILTER (ChargePeriodEnd <= ChargePeriodStart + INTERVAL 1 DAY), max(ChargePeriodEnd)) AS reached,
        CAST(max(ChargePeriodStart) AS DATE) AS last_day
    FROM charges
    WHERE ChargeCategory = 'Usage' AND ChargePeriodStart < $until
    GROUP BY x_SourceId
),
mine AS (
    SELECT
        coalesce(c.ServiceProviderName, '') AS provider, c.CommitmentDiscountId AS id, c.CommitmentDiscountName AS name,
        c.CommitmentDiscountType AS type, c.CommitmentDiscountCategory AS category, c.ContractApplied AS contract,
        c.ChargeCategory AS kind, c.ChargeFrequency AS frequency, c.CommitmentDiscountStatus AS status,
        c.ChargePeriodStart AS starts, c.ChargePeriodEnd AS ends, c.BilledCost AS billed, c.EffectiveCost AS effective,
        l.begins, l.reached, l.last_day AS landed_day
    FROM charges c
    LEFT JOIN landed l ON l.source = c.x_SourceId
    WHERE c.CommitmentDiscountId IS NOT NULL AND c.BillingCurrency = $currency AND c.ChargePeriodStart < $until
),
reach AS (
    SELECT provider, id, coalesce(max(reached) FILTER (kind = 'Usage'), max(reached)) AS used_to FROM mine GROUP BY provider, id
)
SELECT
    provider, id, coalesce(max(name), id) AS name, coalesce(max(type), '') AS type, coalesce(max(category), '') AS category,
    coalesce(max(contract), '') AS applied,
    coalesce(sum(billed) FILTER (kind = 'Purchase' AND ends <= used_to), 0) AS paid_over,
    coalesce(sum(effective) FILTER (kind = 'Usage'), 0) AS amortised,
    count(*) FILTER (status = 'Unused') > 0 AS unused_seen,
    min(starts) FILTER (kind = 'Usage') AS first_use, min(starts) FILTER (kind = 'Purchase') AS first_paid,
    max(CAST(ends AS DATE)) FILTER (kind = 'Purchase' AND frequency = 'One-Time') AS ends,
    CAST(max(starts) FILTER (kind = 'Usage') AS DATE) AS last_day,
    CAST(count(DISTINCT CAST(starts AS DATE)) FILTER (kind = 'Usage' AND starts >= $since) AS BIGINT) AS days,
    min(begins) AS begins, max(used_to) AS reached, max(landed_day) AS landed_day
FROM mine JOIN reach USING (provider, id)
GROUP BY provider, id
ORDER BY provider, id
