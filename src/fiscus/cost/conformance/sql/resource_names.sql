-- A resource that has a display name on one row of a charge period has it on all of them.
-- columns: ResourceId ResourceName
-- turns on: ResourceId IS NOT NULL AND ResourceName IS NULL
SELECT 'broken' AS status, min(CASE WHEN ResourceName IS NULL THEN x__row END) AS place,
    count_if(ResourceName IS NULL) AS number_of_rows, NULL::VARCHAR AS currency, NULL::DECIMAL(38,12) AS amount,
    ResourceId || ' is ' || max(ResourceName) || ' elsewhere' AS what
FROM delivery
WHERE ResourceId IN (SELECT ResourceId FROM delivery WHERE ResourceId IS NOT NULL GROUP BY ResourceId
    HAVING count(ResourceName) > 0 AND count(ResourceName) < count(*))
GROUP BY ResourceId, ChargePeriodStart HAVING count(ResourceName) > 0 AND count(ResourceName) < count(*)
