-- One row a tuple and policy already; grouping them again keeps DuckDB from taking them for more than there are charges, and so
-- from building its hash table on the charges.
candidates AS (
    SELECT tuple, place, any_value(known) AS known, any_value(exception) AS exception, any_value(rest) AS rest,
        any_value(bound) AS bound{{carried}}
    FROM ({{candidates}})
    WHERE known IS DISTINCT FROM false
    GROUP BY tuple, place
    HAVING count(*) > 0
),
pairs AS (
    SELECT
        candidates.place, candidates.tuple, candidates.known AND CASE candidates.rest {{rest}} END AS matched,
        coalesce(candidates.exception, CASE candidates.rest {{exception}} END) AS exception, rows.started, rows.cost
    FROM (
        SELECT *, hash({{tuple}}) AS tuple FROM ({{charges}})
    ) AS rows
    JOIN candidates USING (tuple)
),
