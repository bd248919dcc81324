-- What contracts commit to (the dataset Contract Commitment of FOCUS 1.3 and 1.4) and what charges before `until` apply to it
-- (ContractApplied), one row a commitment and period. One currency; a commitment of a quantity has no currency of its own.
-- An element ends with its brace; its values are taken from its text, because a JSON number read as one keeps 17 digits. A number
-- that stands as a text is read too. The keys are spelled as 1.4 spells them, or, in what landed earlier, as 1.3 does.
WITH elements AS (
    SELECT BillingCurrency AS currency, ChargePeriodStart AS begun, unnest(string_split(
            replace(replace(ContractApplied, '"ContractID"', '"ContractId"'), '"ContractCommitmentID"', '"ContractCommitmentId"'),
            '}')) AS element
    FROM charges
    WHERE ContractApplied IS NOT NULL AND ChargePeriodStart < $until
),
said AS (
    SELECT
        currency, begun, split_part(split_part(element, '"ContractId"', 2), '"', 2) AS contract,
        split_part(split_part(element, '"ContractCommitmentId"', 2), '"', 2) AS id,
        split_part(element, '"ContractCommitmentAppliedCost"', 2) AS cost,
        split_part(element, '"ContractCommitmentAppliedQuantity"', 2) AS quantity
    FROM elements
    WHERE contains(element, '"ContractCommitmentId"')
),
applied AS (
    SELECT
        currency, begun, contract, id,
        TRY_CAST(CASE WHEN contains(split_part(cost, ',', 1), '"') THEN split_part(cost, '"', 2)
            ELSE trim(replace(split_part(cost, ',', 1), ':', '')) END AS DECIMAL(28,12)) AS cost,
        TRY_CAST(CASE WHEN contains(split_part(quantity, ',', 1), '"') THEN split_part(quantity, '"', 2)
            ELSE trim(replace(split_part(quantity, ',', 1), ':', '')) END AS DECIMAL(38,18)) AS quantity
    FROM said
),
agreed AS (  -- what two sources deliver alike is agreed once
    SELECT DISTINCT
        coalesce(ServiceProviderName, '') AS provider, coalesce(ContractId, '') AS contract, ContractCommitmentId AS id,
        coalesce(ContractCommitmentDescription, ContractCommitmentType, ContractCommitmentId) AS name,
        ContractCommitmentCategory AS category, coalesce(ContractCommitmentUnit, '') AS unit, BillingCurrency AS currency,
        ContractCommitmentPeriodStart AS starts, ContractCommitmentPeriodEnd AS ends,
        coalesce(ContractCommitmentLifecycleStatus, '') AS lifecycle, ContractCommitmentCost AS cost,
        ContractCommitmentQuantity AS quantity
    FROM contract_commitments
    WHERE ContractCommitmentId IS NOT NULL AND coalesce(BillingCurrency, $currency) = $currency
)
SELECT
    c.provider, c.contract, c.id, c.name, c.category, c.unit, CAST(c.starts AS DATE) AS starts, CAST(c.ends AS DATE) AS ends,
    c.lifecycle, c.cost, c.quantity, coalesce(sum(a.cost), 0) AS applied_cost, coalesce(sum(a.quantity), 0) AS applied_quantity,
    CAST(count(coalesce(a.cost, a.quantity)) AS BIGINT) AS charges
FROM agreed c
LEFT JOIN applied a ON a.id = c.id AND (a.contract = c.contract OR c.contract = '') AND a.begun >= c.starts AND a.begun < c.ends
    AND (c.currency IS NULL OR a.currency = c.currency)
GROUP BY c.provider, c.contract, c.id, c.name, c.category, c.unit, c.starts, c.ends, c.lifecycle, c.cost, c.quantity
ORDER BY c.provider, c.contract, c.id, c.starts
