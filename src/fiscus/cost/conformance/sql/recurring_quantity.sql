-- What a recurring purchase makes eligible in its charge period is what Used and Unused rows of that period hold together. More is a
-- fault at once; less is one where the rows of commitments go on until the period ends: else the rest is still to come.
-- columns: CommitmentDiscountId CommitmentDiscountStatus CommitmentDiscountQuantity ChargeCategory ChargeFrequency
-- of: CommitmentDiscountId IS NOT NULL
-- turns on: CommitmentDiscountId IS NOT NULL AND ChargeCategory = 'Purchase' AND ChargeFrequency = 'Recurring'
SELECT CASE WHEN abs(spent_quantity - bought_quantity) <= 0.000001 * abs(bought_quantity) THEN 'kept'
        WHEN spent_quantity > bought_quantity OR used_until >= ends THEN 'broken' ELSE 'open' END AS status, place,
    number_of_rows, NULL::VARCHAR AS currency, NULL::DECIMAL(38,12) AS amount,
    CASE WHEN spent_quantity > bought_quantity OR used_until >= ends
        THEN id || ': ' || bought_quantity || ' bought, ' || spent_quantity || ' used and unused' ELSE id END AS what
FROM (SELECT bought.id, bought.ends, min(bought.place) AS place, sum(spent.number_of_rows) AS number_of_rows, min(bought.quantity) AS bought_quantity,
        sum(spent.quantity) AS spent_quantity, sum(spent.unused) AS unused
    FROM (SELECT CommitmentDiscountId AS id, moment(ChargePeriodStart) AS begins, moment(ChargePeriodEnd) AS ends,
            sum(amount(CommitmentDiscountQuantity)) AS quantity, min(x__row) AS place
        FROM delivery WHERE ChargeCategory = 'Purchase' AND ChargeFrequency = 'Recurring' AND CommitmentDiscountId IS NOT NULL
        GROUP BY ALL) bought
    JOIN (SELECT CommitmentDiscountId AS id, moment(ChargePeriodStart) AS begins, sum(amount(CommitmentDiscountQuantity)) AS quantity,
            count_if(CommitmentDiscountStatus = 'Unused') AS unused, count(*) AS number_of_rows
        FROM delivery WHERE ChargeCategory = 'Usage' AND CommitmentDiscountId IS NOT NULL GROUP BY ALL) spent
        ON spent.id = bought.id AND spent.begins >= bought.begins AND spent.begins < bought.ends
    GROUP BY bought.id, bought.begins, bought.ends),
    (SELECT max(moment(ChargePeriodEnd)) AS used_until FROM delivery WHERE ChargeCategory = 'Usage' AND CommitmentDiscountId IS NOT NULL)
WHERE unused > 0 AND spent_quantity IS NOT NULL AND bought_quantity IS NOT NULL
