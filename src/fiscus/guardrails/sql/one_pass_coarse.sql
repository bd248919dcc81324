-- Policies that need not look at each charge often read less: tuples that agree in what those read are put together for them.
coarse AS MATERIALIZED (
    SELECT
        hash({{tuple}}) AS tuple, {{tuple}}, {{carried}},
        sum(amount) AS amount, sum(charges) AS charges, min(first_day) AS first_day, max(last_day) AS last_day
    FROM tuples
    GROUP BY {{tuple}}
),
