-- The same charge of the same resource, price and hour, with the same amount, more than once: a file that was delivered twice.
-- columns: ResourceId SkuPriceId ChargePeriodStart BilledCost
SELECT 'broken' AS status, place, number_of_rows - 1 AS number_of_rows, currency, amount * (number_of_rows - 1) AS amount, what
FROM (SELECT min(x__row) AS place, count(*) AS number_of_rows, min_by(BillingCurrency, x__row) AS currency,
        greatest(any_value(amount(BilledCost)), any_value(amount(EffectiveCost))) AS amount,
        any_value(ResourceId) || ' at ' || any_value(ChargePeriodStart::VARCHAR) || ' stands ' || count(*) || ' times' AS what
    FROM delivery WHERE ResourceId IS NOT NULL
    GROUP BY hash(ResourceId, SkuPriceId, ChargePeriodStart, ChargePeriodEnd, BilledCost, EffectiveCost, ListCost, ChargeCategory,
        ChargeDescription, SubAccountId, PricingQuantity, Tags, CommitmentDiscountStatus, AllocatedResourceId, ChargeClass)
    HAVING count(*) > 1)
