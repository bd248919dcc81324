-- A ContractCommitmentID in ContractApplied that the Contract Commitment dataset does not have.
-- columns: ContractApplied
-- beside: ContractCommitmentId
SELECT 'broken' AS status, min(place) AS place, count(*) AS number_of_rows, currency, sum(amount) AS amount,
    id || ' is unknown' AS what
FROM (SELECT x__row AS place, BillingCurrency AS currency, amount(EffectiveCost) AS amount,
        unnest(list_transform(elements(ContractApplied), lambda e: coalesce(e->>'$.ContractCommitmentID', e->>'$.ContractCommitmentId'))) AS id
    FROM delivery WHERE ContractApplied IS NOT NULL)
WHERE id IS NOT NULL AND id NOT IN (SELECT ContractCommitmentId FROM contract_commitment WHERE ContractCommitmentId IS NOT NULL) GROUP BY id, currency
