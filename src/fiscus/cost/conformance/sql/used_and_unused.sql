-- What the usage of a commitment costs is what its Used and Unused rows cost: no third kind of row carries a part of it.
-- columns: CommitmentDiscountId CommitmentDiscountStatus ChargeCategory EffectiveCost
-- of: CommitmentDiscountId IS NOT NULL
-- turns on: CommitmentDiscountId IS NOT NULL AND ChargeCategory = 'Usage' AND coalesce(CommitmentDiscountStatus, '') NOT IN ('Used', 'Unused')
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, BillingCurrency AS currency,
    abs(sum(amount(EffectiveCost))) AS amount, CommitmentDiscountId || ': neither Used nor Unused' AS what
FROM delivery
WHERE CommitmentDiscountId IS NOT NULL AND ChargeCategory = 'Usage'
    AND coalesce(CommitmentDiscountStatus, '') NOT IN ('Used', 'Unused')
GROUP BY CommitmentDiscountId, BillingCurrency HAVING sum(amount(EffectiveCost)) <> 0
