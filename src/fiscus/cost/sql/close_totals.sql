-- What a billing month says, by source and currency, and a digest of its charges that no order of rows or files changes: the sum
-- of the low halves of MD5 over what each charge says, chr(31) between. {{view}} is filled in.
SELECT
    x_SourceId AS source, BillingCurrency AS currency, count(*) AS charges, sum(BilledCost) AS billed,
    sum(EffectiveCost) AS effective,
    sum(CAST(md5_number_lower(concat_ws(
        chr(31), epoch_us(BillingPeriodStart), epoch_us(ChargePeriodStart), epoch_us(ChargePeriodEnd), ChargeCategory,
        coalesce(ChargeClass, ''), coalesce(InvoiceIssuerName, ''), coalesce(InvoiceId, ''), coalesce(ServiceName, ''),
        coalesce(SubAccountId, ''), coalesce(ResourceId, ''), coalesce(SkuId, ''), BilledCost, EffectiveCost
    )) AS HUGEINT)) AS digest
FROM {{view}}
WHERE x_BillingMonth = $month AND x_SourceId NOT LIKE 'gateway-%'
GROUP BY ALL
ORDER BY ALL
