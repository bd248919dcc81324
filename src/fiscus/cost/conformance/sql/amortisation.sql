-- Over the term of a commitment, what its Used and Unused rows amortise is what its purchases billed. A commitment whose term runs
-- past the file, or began before it, stays open unless more than its price is amortised already.
-- columns: CommitmentDiscountId CommitmentDiscountStatus ChargeCategory BilledCost EffectiveCost ChargePeriodStart ChargePeriodEnd
-- of: CommitmentDiscountId IS NOT NULL
-- turns on: CommitmentDiscountId IS NOT NULL AND ChargeCategory = 'Purchase'
SELECT CASE WHEN amortised - billed > gap THEN 'broken' WHEN ends > used_until OR begins < used_from THEN 'open'
        WHEN abs(amortised - billed) > gap THEN 'broken' ELSE 'kept' END AS status,
    place, number_of_rows, currency, abs(amortised - billed) AS amount,
    id || ': amortised ' || amortised || ', billed ' || billed AS what
FROM (SELECT CommitmentDiscountId AS id, BillingCurrency AS currency, count(*) AS number_of_rows, min(x__row) AS place,
        sum(CASE WHEN ChargeCategory = 'Usage' AND CommitmentDiscountStatus IN ('Used', 'Unused') THEN amount(EffectiveCost) END)
            AS amortised,
        sum(CASE WHEN ChargeCategory = 'Purchase' THEN amount(BilledCost) END) AS billed,
        max(CASE WHEN ChargeCategory = 'Purchase' THEN moment(ChargePeriodEnd) END) AS ends,
        min(CASE WHEN ChargeCategory = 'Purchase' THEN moment(ChargePeriodStart) END) AS begins,
        max(CASE WHEN ChargeCategory = 'Usage' THEN moment(ChargePeriodEnd) END) AS used_until,
        min(CASE WHEN ChargeCategory = 'Usage' THEN moment(ChargePeriodStart) END) AS used_from,
        greatest(0.01, 0.000001 * abs(sum(CASE WHEN ChargeCategory = 'Purchase' THEN amount(BilledCost) END))) AS gap
    FROM delivery WHERE CommitmentDiscountId IS NOT NULL GROUP BY ALL)
WHERE billed IS NOT NULL AND amortised IS NOT NULL
