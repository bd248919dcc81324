-- What one budget's scope cost in its period so far.
SELECT
    $budget_id AS budget,
    coalesce(sum({{metric}}), 0) AS actual,
    count(*) AS charges,
    min(CAST(ChargePeriodStart AS DATE)) AS first_day,
    max(CAST(ChargePeriodStart AS DATE)) AS last_day
FROM counted_charges
WHERE x_SourceId NOT LIKE 'gateway-%' AND {{where}}
