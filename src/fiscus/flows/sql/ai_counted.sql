-- What the gateway counted and what was billed, wherever, by currency, provider and day: the days on which it counted anything.
WITH here AS (
    SELECT
        BillingCurrency AS currency, ServiceProviderName AS provider, CAST(ChargePeriodStart AS DATE) AS day, sum(ContractedCost) AS cost
    FROM counted_charges
    WHERE x_SourceId LIKE 'gateway-%' AND ChargePeriodStart >= $since AND ChargePeriodStart < $until
    GROUP BY ALL
),
there AS (
    SELECT
        BillingCurrency AS currency, ServiceProviderName AS provider, CAST(ChargePeriodStart AS DATE) AS day, sum(EffectiveCost) AS cost
    FROM counted_charges
    WHERE x_SourceId NOT LIKE 'gateway-%' AND ChargePeriodStart >= $since AND ChargePeriodStart < $until
        AND ServiceCategory = 'AI and Machine Learning' AND ChargeCategory = 'Usage'
        AND ServiceProviderName IN (SELECT provider FROM here)
    GROUP BY ALL
)
SELECT here.currency, here.provider, here.day, here.cost AS here, there.cost AS there
FROM here JOIN there USING (currency, provider, day)
ORDER BY ALL
