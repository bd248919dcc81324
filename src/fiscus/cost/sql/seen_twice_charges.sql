-- The charges of one link, both sides, with what counts of each.
SELECT
    CAST(ChargePeriodStart AS DATE) AS day, x_SourceId, x_SeenTwiceSide, ServiceProviderName, InvoiceIssuerName, SkuId,
    ChargeDescription, BilledCost, EffectiveCost, x_CountsBilledCost, x_CountsEffectiveCost, BillingCurrency
FROM charges_counted_once
WHERE x_SeenTwice = $link
ORDER BY x_SeenTwiceSide, day, EffectiveCost DESC
