-- The chain: what flows from each rule's pool to each of its targets, and by what measure.
SELECT x_BillingMonth, x_AllocationRule, x_AllocatedDimension, x_AllocatedTo, into_rule, method, driver, share,
       BillingCurrency, sum({metric}) AS cost, why
FROM allocation_steps_history
WHERE list_contains(CAST($runs AS VARCHAR[]), run_id)
GROUP BY ALL
ORDER BY x_BillingMonth, BillingCurrency, x_AllocationRule, cost DESC, x_AllocatedDimension, x_AllocatedTo
