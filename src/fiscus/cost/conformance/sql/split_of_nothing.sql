-- A method by which a resource was split, and no part of it anywhere: no resource, no tags, no ratio. The rest of a split that was
-- given to nobody has none of these either, but other rows of the resource do.
-- columns: AllocatedMethodId ResourceId
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, min(BillingCurrency) AS currency,
    sum(amount(EffectiveCost)) AS amount, AllocatedMethodId || ' splits nothing of ' || coalesce(ResourceId, 'no resource') AS what
FROM delivery WHERE AllocatedMethodId IS NOT NULL GROUP BY AllocatedMethodId, ResourceId
HAVING count(AllocatedResourceId) + count(AllocatedMethodDetails) + count(AllocatedTags) = 0
