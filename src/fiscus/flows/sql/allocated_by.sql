-- Who bears what: by payer and kind, and beside it what each had of its own before, and the lake's own sums.
-- The names in braces come from allow-lists.
SELECT 'payer' AS side,
    CASE WHEN x_AllocationKind = 'rounding' AND {payer} IS NULL THEN '(last digits)' ELSE coalesce({payer}, '') END AS name,
    BillingCurrency AS currency, x_AllocationKind AS kind, sum({metric}) AS cost
FROM allocated_charges
WHERE {when} AND ($months IS NULL OR list_contains(CAST($months AS VARCHAR[]), x_BillingMonth))
GROUP BY ALL
UNION ALL
SELECT 'before', coalesce({payer}, ''), BillingCurrency, '', sum({metric})
FROM counted_charges
WHERE {when} AND ($months IS NULL OR list_contains(CAST($months AS VARCHAR[]), x_BillingMonth))
GROUP BY ALL
UNION ALL
SELECT 'lake', '', BillingCurrency, '', sum({metric})
FROM counted_charges
WHERE {when} AND ($months IS NULL OR list_contains(CAST($months AS VARCHAR[]), x_BillingMonth))
GROUP BY ALL
