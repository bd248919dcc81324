-- What the lake holds of each source and billing month, to tie out with what its deliveries said.
SELECT
    x_SourceId AS source,
    x_BillingMonth AS billing_month,
    BillingCurrency AS currency,
    sum(BilledCost) AS billed_cost,
    count(*) AS charges,
    max(CASE WHEN ChargeCategory = 'Usage' THEN ChargePeriodEnd END) AS usage_until
FROM charges
GROUP BY ALL
ORDER BY source, billing_month, currency
