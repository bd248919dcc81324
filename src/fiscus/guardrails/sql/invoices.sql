-- Each invoice of each billing month: what is billed, by kind of charge. Charges without an invoice number are one of their own.
SELECT
    coalesce(InvoiceId, '') AS id, coalesce(InvoiceIssuerName, '') AS issuer, x_SourceId AS source, x_BillingMonth AS month,
    BillingCurrency AS currency,
    sum(BilledCost) AS billed, sum(EffectiveCost) AS effective,
    coalesce(sum(BilledCost) FILTER (WHERE ChargeCategory = 'Usage'), 0) AS usage,
    coalesce(sum(BilledCost) FILTER (WHERE ChargeCategory = 'Purchase'), 0) AS purchases,
    coalesce(sum(BilledCost) FILTER (WHERE ChargeCategory = 'Tax'), 0) AS tax,
    coalesce(sum(BilledCost) FILTER (WHERE ChargeCategory = 'Credit'), 0) AS credits,
    coalesce(sum(BilledCost) FILTER (WHERE ChargeCategory = 'Adjustment'), 0) AS adjustments,
    coalesce(sum(BilledCost) FILTER (WHERE ChargeClass = 'Correction'), 0) AS corrections,
    coalesce(sum(BilledCost) FILTER (WHERE x_Team = 'unowned'), 0) AS unowned,
    count(*) AS charges, min(CAST(ChargePeriodStart AS DATE)) AS first_day, max(CAST(ChargePeriodStart AS DATE)) AS last_day
FROM charges
WHERE x_BillingMonth >= $month AND ChargePeriodStart < $until
GROUP BY ALL
ORDER BY month DESC, abs(billed) DESC, source, issuer, id, currency
LIMIT $invoices_max
