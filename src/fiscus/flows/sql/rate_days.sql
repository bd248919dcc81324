-- The days whose rates the charges of the lake need.
SELECT DISTINCT BillingCurrency, {day} AS day FROM lake_charges c
WHERE BillingCurrency IS NOT NULL AND {day} IS NOT NULL
ORDER BY ALL
