SELECT
    wanted.budget,
    cube.day,
    sum(CASE WHEN wanted.is_billed THEN cube.billed ELSE cube.effective END) AS cost,
    CAST(sum(cube.charges) AS BIGINT) AS charges,
    max(landed.landed) AS landed
FROM cube
JOIN landed USING (source)
JOIN (
    SELECT
        unnest($budget_{{n}}) AS budget,
        unnest($is_billed_{{n}}) AS is_billed,
        unnest($with_tax_{{n}}) AS with_tax,
        unnest($with_credits_{{n}}) AS with_credits,
        {{values}}
        unnest($currency_{{n}}) AS currency
) AS wanted ON {{matches}} cube.currency = wanted.currency
WHERE (wanted.with_tax OR NOT cube.is_tax) AND (wanted.with_credits OR NOT cube.is_credit)
GROUP BY wanted.budget, cube.day
