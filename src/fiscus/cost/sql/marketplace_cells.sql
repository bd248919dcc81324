-- What each feed shows of the sellers that are asked for, by month of the charge period and account; one row each.
-- What the gateway metered waits for the vendor's bill and is no feed. Taxes and credits are of the invoice, not of the spend.
SELECT
    x_SourceId AS source, ServiceProviderName AS seller, max(coalesce(InvoiceIssuerName, '')) AS invoicer,
    strftime(make_timestamp(epoch_us(ChargePeriodStart)), '%Y-%m') AS month, BillingCurrency AS currency,
    coalesce(BillingAccountId, '') AS account, coalesce(SubAccountId, '') AS sub_account, sum(BilledCost) AS billed,
    sum(EffectiveCost) AS effective, CAST(count(*) AS BIGINT) AS charges
FROM charges
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_SourceId NOT LIKE 'gateway-%'
  AND ChargeCategory IN ('Usage', 'Purchase') AND list_contains($sellers, ServiceProviderName)
GROUP BY x_SourceId, ServiceProviderName, strftime(make_timestamp(epoch_us(ChargePeriodStart)), '%Y-%m'), BillingCurrency,
    coalesce(BillingAccountId, ''), coalesce(SubAccountId, '')
ORDER BY seller, month, currency, source, account, sub_account
