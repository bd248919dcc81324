-- The ratios by which one charge was split add up to 1; where a part tells no ratio, to no more.
-- columns: AllocatedMethodId AllocatedMethodDetails ResourceId
SELECT 'broken' AS status, place, number_of_rows, currency, amount, what FROM (
    SELECT min(x__row) AS place, count(*) AS number_of_rows, min(BillingCurrency) AS currency,
        abs((1 - sum(ratio)) * sum(amount(EffectiveCost)))::DECIMAL(38,12) AS amount,
        coalesce(ResourceId, '') || ' ' || coalesce(ChargePeriodStart::VARCHAR, '') || ': the ratios add up to ' || sum(ratio) AS what,
        sum(ratio) AS whole, count(*) - count(ratio) AS untold
    FROM (SELECT *, list_sum(list_transform(elements(AllocatedMethodDetails),
            lambda e: TRY_CAST(e->>'$.AllocatedRatio' AS DECIMAL(18,12)))) AS ratio
        FROM delivery WHERE AllocatedMethodId IS NOT NULL)
    GROUP BY AllocatedMethodId, ResourceId, SkuPriceId, ChargeCategory, ChargePeriodStart, ChargePeriodEnd, CommitmentDiscountStatus,
        ChargeClass, BillingAccountId, SubAccountId, RegionId)
WHERE whole > 1.000001 OR (untold = 0 AND whole < 0.999999)
