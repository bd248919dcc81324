-- What a rule's targets are measured at, a month: a cost in each currency by itself, a quantity or a count in all together.
SELECT
    x_BillingMonth AS month, {currency} AS currency, coalesce(pool, '') AS pool, {target} AS target, {measure} AS amount
FROM (SELECT *, {pool} AS pool FROM {charges})
WHERE {target} IS NOT NULL
  AND {target} NOT IN ('', 'unowned', 'unallocated', 'unknown')
  AND list_contains(CAST($months AS VARCHAR[]), x_BillingMonth)
  AND {where}
GROUP BY ALL
ORDER BY ALL
