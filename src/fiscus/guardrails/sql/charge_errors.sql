-- The charges for which a policy's condition has no answer.
SELECT sum(amount) AS amount, CAST(sum(charges) AS BIGINT) AS charges
FROM ({{matches}})
WHERE is_error
