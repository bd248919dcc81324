-- What one invoice bills.
SELECT sum(BilledCost) AS amount, count(*) AS charges, sum(EffectiveCost) AS effective
FROM charges
WHERE x_SourceId = $source AND x_BillingMonth = $month AND ChargePeriodStart < $until AND coalesce(InvoiceId, '') = $id
    AND coalesce(InvoiceIssuerName, '') = $issuer AND BillingCurrency = $currency
