-- A commitment that has a display name somewhere has it on every row.
-- columns: CommitmentDiscountId CommitmentDiscountName
-- of: CommitmentDiscountId IS NOT NULL
-- turns on: CommitmentDiscountId IS NOT NULL AND CommitmentDiscountName IS NULL
SELECT 'broken' AS status, min(CASE WHEN CommitmentDiscountName IS NULL THEN x__row END) AS place,
    count_if(CommitmentDiscountName IS NULL) AS number_of_rows, NULL::VARCHAR AS currency, NULL::DECIMAL(38,12) AS amount,
    CommitmentDiscountId || ' is ' || max(CommitmentDiscountName) || ' elsewhere' AS what
FROM delivery WHERE CommitmentDiscountId IS NOT NULL GROUP BY CommitmentDiscountId
HAVING count(CommitmentDiscountName) > 0 AND count(CommitmentDiscountName) < count(*)
