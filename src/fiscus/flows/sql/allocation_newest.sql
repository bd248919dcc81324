-- The run that counts for each billing month.
SELECT x_BillingMonth, run_id, version, outcome FROM allocation_runs WHERE newest ORDER BY x_BillingMonth
