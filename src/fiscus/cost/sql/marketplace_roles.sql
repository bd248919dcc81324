-- Who sells, who operates, who invoices and who made it, by currency: money of both metrics, and of it what counts once.
-- `maker`: the developer of a model that somebody else serves (FOCUS 1.5's draft, SkuPriceDetails.ModelDeveloper), else the old
-- publisher. Operator '' : no bill says on whose infrastructure it runs.
SELECT
    coalesce(ServiceProviderName, '') AS seller, coalesce(HostProviderName, '') AS operator,
    coalesce(InvoiceIssuerName, '') AS invoicer,
    coalesce(CASE WHEN json_valid(SkuPriceDetails) THEN coalesce(json_extract_string(SkuPriceDetails, '$.ModelDeveloper'),
        json_extract_string(SkuPriceDetails, '$.x_ModelDeveloper')) END, x_PublisherName, '') AS maker,
    BillingCurrency AS currency, list_sort(list(DISTINCT x_SourceId)) AS sources, CAST(count(*) AS BIGINT) AS charges,
    sum(BilledCost) AS billed, sum(EffectiveCost) AS effective, sum(x_BilledCostOnce) AS billed_once,
    sum(x_EffectiveCostOnce) AS effective_once
FROM charges_counted_once
WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_SourceId NOT LIKE 'gateway-%'
GROUP BY ALL
ORDER BY effective DESC, seller, operator, invoicer, maker, currency
