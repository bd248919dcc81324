-- A commitment of ContractApplied that stands under two contracts.
-- columns: ContractApplied
SELECT 'broken' AS status, min(place) AS place, count(*) AS number_of_rows, NULL::VARCHAR AS currency, NULL::DECIMAL(38,12) AS amount,
    id || ' belongs to ' || min(parent) || ' and ' || max(parent) AS what
FROM (SELECT x__row AS place, coalesce(e->>'$.ContractCommitmentID', e->>'$.ContractCommitmentId') AS id, e->>'$.ContractId' AS parent
    FROM (SELECT x__row, unnest(elements(ContractApplied)) AS e FROM delivery WHERE ContractApplied IS NOT NULL))
WHERE id IS NOT NULL GROUP BY id HAVING min(parent) <> max(parent)
