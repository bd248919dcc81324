-- A PricingUnit that is not the one of the price list.
-- columns: SkuPriceId PricingUnit
-- beside: SkuPriceId PricingUnit
SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, BillingCurrency AS currency,
    sum(amount(EffectiveCost)) AS amount, listed.id || ' is priced by ' || listed.unit || ' in the list' AS what
FROM delivery JOIN (SELECT SkuPriceId AS id, any_value(PricingUnit) AS unit FROM price_list GROUP BY 1) listed
    ON listed.id = delivery.SkuPriceId
WHERE lower(delivery.PricingUnit) <> lower(listed.unit) GROUP BY BillingCurrency, listed.id, listed.unit
