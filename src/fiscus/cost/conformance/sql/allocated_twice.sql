-- An allocated resource stands once in the split of one charge: two rows of it would count it twice.
-- columns: AllocatedResourceId ResourceId
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, min(BillingCurrency) AS currency,
    sum(amount(EffectiveCost)) AS amount, AllocatedResourceId || ' stands ' || count(*) || ' times' AS what
FROM delivery WHERE AllocatedResourceId IS NOT NULL
GROUP BY AllocatedResourceId, ResourceId, SkuPriceId, ChargeCategory, ChargePeriodStart, ChargePeriodEnd, CommitmentDiscountStatus,
    ChargeDescription, ChargeClass
HAVING count(*) > 1
