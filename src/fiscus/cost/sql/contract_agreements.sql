-- What contracts commit to (the dataset Contract Commitment of FOCUS 1.3 and 1.4) and what charges before `until` apply to it
-- (ContractApplied), one row a commitment and period. One currency; a commitment of a quantity has no currency of its own.
-- An element's amount is taken from its text, because a JSON number read as one keeps 17 digits.
WITH elements AS (
    SELECT BillingCurrency AS currency, ChargePeriodStart AS begun, unnest(regexp_extract_all(ContractApplied, '\{[^{}]*\}')) AS element
    FROM charges
    WHERE ContractApplied IS NOT NULL AND ChargePeriodStart < $until
),
applied AS (
    SELECT
        currency, begun, coalesce(json_extract_string(element, '$.ContractId'), '') AS contract,
        json_extract_string(element, '$.ContractCommitmentId') AS id,
        TRY_CAST(nullif(regexp_extract(element, '"ContractCommitmentAppliedCost"\s*:\s*([-+0-9.eE]+)', 1), '') AS DECIMAL(28,12)) AS cost,
        TRY_CAST(nullif(regexp_extract(element, '"ContractCommitmentAppliedQuantity"\s*:\s*([-+0-9.eE]+)', 1), '') AS DECIMAL(38,18))
            AS quantity
    FROM elements
    WHERE json_valid(element)
)
SELECT
    coalesce(c.ServiceProviderName, '') AS provider, coalesce(c.ContractId, '') AS contract, c.ContractCommitmentId AS id,
    coalesce(c.ContractCommitmentDescription, c.ContractCommitmentType, c.ContractCommitmentId) AS name,
    c.ContractCommitmentCategory AS category, coalesce(c.ContractCommitmentUnit, '') AS unit,
    CAST(c.ContractCommitmentPeriodStart AS DATE) AS starts, CAST(c.ContractCommitmentPeriodEnd AS DATE) AS ends,
    coalesce(c.ContractCommitmentLifecycleStatus, '') AS lifecycle,
    c.ContractCommitmentCost AS cost, c.ContractCommitmentQuantity AS quantity,
    coalesce(sum(a.cost), 0) AS applied_cost, coalesce(sum(a.quantity), 0) AS applied_quantity,
    CAST(count(a.id) AS BIGINT) AS charges
FROM contract_commitments c
LEFT JOIN applied a ON a.id = c.ContractCommitmentId AND (a.contract = c.ContractId OR c.ContractId IS NULL)
    AND a.begun >= c.ContractCommitmentPeriodStart AND a.begun < c.ContractCommitmentPeriodEnd
    AND (c.BillingCurrency IS NULL OR a.currency = c.BillingCurrency)
WHERE c.ContractCommitmentId IS NOT NULL AND coalesce(c.BillingCurrency, $currency) = $currency
GROUP BY ALL
ORDER BY provider, contract, id, starts
