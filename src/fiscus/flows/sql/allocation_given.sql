-- What each rule gave each target in the end, by the runs that count.
SELECT x_AllocationRule, x_AllocatedDimension, x_AllocatedTo, BillingCurrency, sum({metric}) AS cost
FROM allocation_history
WHERE list_contains(CAST($runs AS VARCHAR[]), run_id)
GROUP BY ALL
ORDER BY BillingCurrency, x_AllocationRule, cost DESC, x_AllocatedDimension, x_AllocatedTo
