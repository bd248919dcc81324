-- The charges grouped once by every column that a scope asks for (d0, d1 ...).
-- Days are taken of the instant as UTC writes it: a tenth of the time of asking a calendar for each charge.
WITH cube AS MATERIALIZED (
    SELECT
        {{dimensions}}
        CAST(make_timestamp(epoch_us(ChargePeriodStart)) AS DATE) AS day,
        BillingCurrency AS currency,
        ChargeCategory = 'Tax' AS is_tax,
        ChargeCategory = 'Credit' AS is_credit,
        ServiceCategory = 'AI and Machine Learning' AND ChargeCategory = 'Usage' AS is_ai,
        ChargeCategory = 'Purchase' AND CommitmentDiscountId IS NULL AND HostProviderName <> ServiceProviderName
            AS is_marketplace,
        x_SourceId LIKE 'gateway-%' AS is_gateway,  -- on no bill yet
        sum(EffectiveCost) AS effective,
        sum(BilledCost) AS billed,
        count(*) AS charges
    FROM counted_charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until
    GROUP BY ALL
)
