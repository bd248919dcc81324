-- What the bills of other months correct of a month, by source and currency.
SELECT
    x_SourceId AS source, BillingCurrency AS currency, count(*) AS charges, sum(BilledCost) AS billed,
    sum(EffectiveCost) AS effective
FROM bare_restated
WHERE x_RestatedMonth = $month AND x_BillingMonth <> $month AND x_SourceId NOT LIKE 'gateway-%'
GROUP BY ALL
ORDER BY ALL
