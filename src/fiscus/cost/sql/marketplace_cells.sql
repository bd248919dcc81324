-- What each feed shows of each seller, by month of the charge period and account: sellers that more than one feed shows are looked
-- into. What the gateway metered waits for the vendor's bill and is no feed. Taxes and credits are of the invoice, not of the spend.
WITH seen AS (
    SELECT
        x_SourceId AS source, coalesce(ServiceProviderName, '') AS seller, coalesce(InvoiceIssuerName, '') AS invoicer,
        strftime(make_timestamp(epoch_us(ChargePeriodStart)), '%Y-%m') AS month, BillingCurrency AS currency,
        coalesce(BillingAccountId, '') AS account, coalesce(SubAccountId, '') AS sub_account,
        BilledCost AS billed, EffectiveCost AS effective
    FROM charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_SourceId NOT LIKE 'gateway-%'
      AND ChargeCategory IN ('Usage', 'Purchase') AND ServiceProviderName IS NOT NULL
),
feeds AS (SELECT source, count(DISTINCT seller) AS sellers FROM seen GROUP BY source)
SELECT
    s.source, s.seller, max(s.invoicer) AS invoicer, s.month, s.currency, s.account, s.sub_account, sum(s.billed) AS billed,
    sum(s.effective) AS effective, CAST(count(*) AS BIGINT) AS charges, CAST(max(f.sellers) - 1 AS BIGINT) AS others
FROM seen s
JOIN feeds f ON f.source = s.source
GROUP BY s.source, s.seller, s.month, s.currency, s.account, s.sub_account
ORDER BY s.seller, s.month, s.currency, s.source, s.account, s.sub_account
