SELECT
    wanted.budget,
    cube.day,
    sum(CASE WHEN wanted.is_billed THEN cube.billed ELSE cube.effective END) AS cost,
    sum(CASE WHEN cube.flags & 4 = 0 THEN 0 WHEN wanted.is_billed THEN cube.billed ELSE cube.effective END) AS metered,
    CAST(sum(cube.charges) AS BIGINT) AS charges,
    max(landed.landed) AS landed,
    min(CASE WHEN landed.is_daily THEN landed.landed END) AS complete,
    cube.meter
FROM cube
JOIN landed USING (source)
JOIN (
    SELECT
        unnest($budget_{{n}}) AS budget,
        unnest($since_{{n}}) AS since,
        unnest($is_billed_{{n}}) AS is_billed,
        unnest($with_tax_{{n}}) AS with_tax,
        unnest($with_credits_{{n}}) AS with_credits,
        {{values}}
        unnest($currency_{{n}}) AS currency
) AS wanted ON {{matches}} cube.currency = wanted.currency AND cube.day >= wanted.since
WHERE cube.shape = {{shape}} AND (wanted.with_tax OR cube.flags & 1 = 0) AND (wanted.with_credits OR cube.flags & 2 = 0)
GROUP BY wanted.budget, cube.day, cube.meter
