-- A ContractId in ContractApplied that the Contract Commitment dataset does not have.
-- columns: ContractApplied
-- beside: ContractId
SELECT 'broken' AS status, min(place) AS place, count(*) AS number_of_rows, currency, sum(amount) AS amount,
    id || ' is unknown' AS what
FROM (SELECT x__row AS place, BillingCurrency AS currency, amount(EffectiveCost) AS amount,
        unnest(list_transform(elements(ContractApplied), lambda e: e->>'$.ContractId')) AS id
    FROM delivery WHERE ContractApplied IS NOT NULL)
WHERE id IS NOT NULL AND id NOT IN (SELECT ContractId FROM contract_commitment WHERE ContractId IS NOT NULL) GROUP BY id, currency
