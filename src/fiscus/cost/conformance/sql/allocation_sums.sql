-- Each part of a split charge is its ratio of the whole in every cost and quantity: so the parts add up to their origin.
-- A part may be off by less than one coin: where parts are rounded so that the whole is kept, one of them takes the rest.
-- columns: AllocatedMethodId AllocatedMethodDetails ResourceId
SELECT 'broken' AS status, min(place) AS place, count(*) AS number_of_rows, min(currency) AS currency,
    sum(TRY_CAST(greatest(billed_off, effective_off) AS DECIMAL(32,6)))::DECIMAL(38,12) AS amount,
    coalesce(id, '') || ' ' || coalesce(begins, '') || ': a part is not its ratio of the whole' AS what
FROM (SELECT ResourceId AS id, ChargePeriodStart::VARCHAR AS begins, x__row AS place, BillingCurrency AS currency,
        abs(amount(BilledCost) - (ratio * sum(amount(BilledCost)) OVER origin)) AS billed_off,
        abs(amount(EffectiveCost) - (ratio * sum(amount(EffectiveCost)) OVER origin)) AS effective_off,
        abs(amount(ListCost) - (ratio * sum(amount(ListCost)) OVER origin)) AS list_off,
        greatest(0.01, subunit(BillingCurrency)) + 0.000001 * abs(sum(amount(EffectiveCost)) OVER origin) AS gap
    FROM (SELECT *, list_sum(list_transform(elements(AllocatedMethodDetails),
            lambda e: TRY_CAST(e->>'$.AllocatedRatio' AS DOUBLE))) AS ratio
        FROM delivery WHERE AllocatedMethodId IS NOT NULL)
    WINDOW origin AS (PARTITION BY AllocatedMethodId, ResourceId, SkuPriceId, ChargeCategory, ChargePeriodStart, ChargePeriodEnd,
        CommitmentDiscountStatus, ChargeClass, BillingAccountId, SubAccountId, RegionId))
WHERE billed_off > gap OR effective_off > gap OR list_off > gap GROUP BY id, begins
