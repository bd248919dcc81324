-- Cost by one dimension and one bucket of time; the largest groups by their own names, the rest as one row without a name.
-- The names in braces come from allow-lists; every value is bound.
WITH picked AS (
    SELECT {bucket} AS bucket, {dimension} AS name, sum({metric}) AS cost, count(*) AS charges
    FROM {charges}
    WHERE {where}
    GROUP BY ALL
),
ranked AS (
    SELECT name, row_number() OVER (ORDER BY sum(cost) DESC, name NULLS LAST) AS place
    FROM picked
    GROUP BY name
)
SELECT
    p.bucket,
    CASE WHEN r.place <= $top THEN p.name END AS name,
    r.place <= $top AS named,
    sum(p.cost) AS cost,
    CAST(sum(p.charges) AS BIGINT) AS charges,
    count(DISTINCT r.place) AS groups
FROM picked p JOIN ranked r ON r.name IS NOT DISTINCT FROM p.name
GROUP BY ALL
ORDER BY p.bucket, cost DESC
