-- What a billing month says, by source and currency, and a digest of its charges that no order of rows or files changes: sums of
-- the two halves of MD5 over what each charge says, chr(31) between. {{view}} is filled in. No function that makes a number of a
-- hash is known to every engine: its letters become digits (a is 0, f is 5), which loses a bit of each and none that matters.
SELECT
    source, currency, count(*) AS charges, sum(billed) AS billed, sum(effective) AS effective,
    sum(CAST(substr(h, 1, 16) AS DECIMAL(38, 0))) AS digest_1, sum(CAST(substr(h, 17, 16) AS DECIMAL(38, 0))) AS digest_2
FROM (
    SELECT
        x_SourceId AS source, BillingCurrency AS currency, BilledCost AS billed, EffectiveCost AS effective,
        translate(md5(concat_ws(
            chr(31), CAST(epoch_us(BillingPeriodStart) AS VARCHAR), CAST(epoch_us(ChargePeriodStart) AS VARCHAR),
            CAST(epoch_us(ChargePeriodEnd) AS VARCHAR), ChargeCategory, coalesce(ChargeClass, ''),
            coalesce(InvoiceIssuerName, ''), coalesce(InvoiceId, ''), coalesce(ServiceName, ''), coalesce(SubAccountId, ''),
            coalesce(ResourceId, ''), coalesce(SkuId, ''), CAST(BilledCost AS VARCHAR), CAST(EffectiveCost AS VARCHAR)
        )), 'abcdef', '012345') AS h
    FROM {{view}}
    WHERE x_BillingMonth = $month AND x_SourceId NOT LIKE 'gateway-%'
) AS said
GROUP BY source, currency
ORDER BY source, currency
