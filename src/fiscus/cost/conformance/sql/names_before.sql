-- A charge that was delivered before, now with another name of its resource.
-- columns: ResourceId ResourceName ChargePeriodStart
-- beside: ResourceId ResourceName ChargePeriodStart
SELECT 'broken' AS status, min(now.x__row) AS place, count(*) AS number_of_rows, NULL::VARCHAR AS currency, NULL::DECIMAL(38,12) AS amount,
    now.ResourceId || ' was ' || min(before.name) || ', is ' || min(now.ResourceName) AS what
FROM delivery now
JOIN (SELECT ResourceId AS id, TRY_CAST(ChargePeriodStart AS TIMESTAMP) AS begins, min(ResourceName) AS name FROM previous
    WHERE ResourceName IS NOT NULL GROUP BY ALL) before ON before.id = now.ResourceId AND before.begins = TRY_CAST(now.ChargePeriodStart AS TIMESTAMP)
WHERE now.ResourceName <> before.name AND now.ChargeClass IS DISTINCT FROM 'Correction' GROUP BY now.ResourceId
