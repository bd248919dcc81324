-- What a policy matches beside its largest groups, skipped in the order in which they are shown.
SELECT sum(amount) AS amount, CAST(sum(charges) AS BIGINT) AS charges, count(*) AS groups
FROM (
    SELECT amount, charges
    FROM ({{matches}})
    WHERE NOT is_error AND amount >= $min_amount
    ORDER BY amount DESC, owner, team, environment, provider, sub_account, exception
    OFFSET $shown
)
