-- What is paid to whom for what, over the last twelve months: one row a vendor's service and currency, with the team that pays
-- most of it.
-- `purchased`: what was bought by contract or subscription, rather than metered; commitments are promises, and stand elsewhere.
WITH paid AS (
    SELECT
        coalesce(ServiceProviderName, '') AS vendor, coalesce(x_PublisherName, '') AS publisher,
        coalesce(InvoiceIssuerName, '') AS issuer, coalesce(ServiceName, '') AS service,
        coalesce(ServiceCategory, '') AS category, coalesce(ServiceSubcategory, '') AS subcategory, BillingCurrency AS currency, x_Team AS team,
        sum(EffectiveCost) AS cost, sum(BilledCost) AS billed,
        coalesce(sum(BilledCost) FILTER (ChargeCategory = 'Purchase' AND CommitmentDiscountId IS NULL), 0) AS purchased, max(CAST(ChargePeriodStart AS DATE)) AS last_day
    FROM counted_charges
    WHERE ChargePeriodStart >= $since AND ChargePeriodStart < $until AND x_BillingMonth >= $billing_month
      AND ChargeCategory IN ('Usage', 'Purchase')
    GROUP BY ALL
)
SELECT
    vendor, max(publisher) AS publisher, max(issuer) AS issuer, service, max(category) AS category,
    max(subcategory) AS subcategory, currency, CASE WHEN sum(cost) > sum(billed) THEN sum(cost) ELSE sum(billed) END AS cost,
    max(last_day) AS last_day, max_by(team, cost) AS team, sum(purchased) AS purchased
FROM paid
GROUP BY vendor, service, currency
HAVING sum(cost) > 0 OR sum(billed) > 0
ORDER BY cost DESC, vendor, service, currency
