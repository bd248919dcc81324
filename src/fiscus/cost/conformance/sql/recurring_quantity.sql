-- What a recurring purchase makes eligible in its charge period is what Used and Unused rows of that period hold together.
-- columns: CommitmentDiscountId CommitmentDiscountStatus CommitmentDiscountQuantity ChargeCategory ChargeFrequency
-- of: CommitmentDiscountId IS NOT NULL
-- turns on: CommitmentDiscountId IS NOT NULL AND ChargeCategory = 'Purchase' AND ChargeFrequency = 'Recurring'
SELECT 'broken' AS status, min(bought.place) AS place, count(*) AS number_of_rows, NULL::VARCHAR AS currency, NULL::DECIMAL(38,12) AS amount,
    bought.id || ': ' || any_value(bought.quantity) || ' bought, ' || sum(spent.quantity) || ' used and unused' AS what
FROM (SELECT CommitmentDiscountId AS id, moment(ChargePeriodStart) AS begins, moment(ChargePeriodEnd) AS ends,
        sum(amount(CommitmentDiscountQuantity)) AS quantity, min(x__row) AS place
    FROM delivery WHERE ChargeCategory = 'Purchase' AND ChargeFrequency = 'Recurring' AND CommitmentDiscountId IS NOT NULL
    GROUP BY ALL) bought
JOIN (SELECT CommitmentDiscountId AS id, moment(ChargePeriodStart) AS begins, sum(amount(CommitmentDiscountQuantity)) AS quantity,
        count_if(CommitmentDiscountStatus = 'Unused') AS unused
    FROM delivery WHERE ChargeCategory = 'Usage' AND CommitmentDiscountId IS NOT NULL GROUP BY ALL) spent
    ON spent.id = bought.id AND spent.begins >= bought.begins AND spent.begins < bought.ends
GROUP BY bought.id, bought.begins, bought.ends
HAVING sum(spent.unused) > 0 AND abs(sum(spent.quantity) - any_value(bought.quantity)) > 0.000001 * abs(any_value(bought.quantity))
