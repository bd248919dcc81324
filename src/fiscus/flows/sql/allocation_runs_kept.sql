-- Every run of allocation, by month and version.
SELECT run_id, x_BillingMonth AS month, version, decided_at, lake_version, rules_digest, inputs_digest, outcome
FROM allocation_runs ORDER BY month, version, decided_at, run_id
