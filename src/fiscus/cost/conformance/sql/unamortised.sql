-- A commitment that was paid for and is used carries its price in the EffectiveCost of the rows that it covers.
-- columns: CommitmentDiscountId CommitmentDiscountStatus ChargeCategory BilledCost EffectiveCost
-- of: CommitmentDiscountId IS NOT NULL
-- turns on: CommitmentDiscountId IS NOT NULL AND ChargeCategory = 'Purchase'
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, BillingCurrency AS currency,
    sum(CASE WHEN ChargeCategory = 'Purchase' THEN amount(BilledCost) END) AS amount,
    CommitmentDiscountId || ': no Used row carries a cost' AS what
FROM delivery WHERE CommitmentDiscountId IS NOT NULL GROUP BY CommitmentDiscountId, BillingCurrency
HAVING sum(CASE WHEN ChargeCategory = 'Purchase' THEN amount(BilledCost) END) > 0 AND count_if(CommitmentDiscountStatus = 'Used') > 0
    AND sum(CASE WHEN CommitmentDiscountStatus = 'Used' THEN amount(EffectiveCost) END) = 0
