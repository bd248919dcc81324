-- A recurring purchase makes so much of a commitment eligible in its charge period: what the Used rows leave stands on an Unused row.
-- Where the rows of commitments end before the period does, it is still to come.
-- columns: CommitmentDiscountId CommitmentDiscountStatus CommitmentDiscountQuantity ChargeCategory ChargeFrequency
-- of: CommitmentDiscountId IS NOT NULL
-- turns on: CommitmentDiscountId IS NOT NULL AND ChargeCategory = 'Purchase' AND ChargeFrequency = 'Recurring'
SELECT CASE WHEN used >= bought_quantity * 0.999999 THEN 'kept' WHEN used_until >= ends THEN 'broken' ELSE 'open' END AS status, place, number_of_rows, NULL::VARCHAR AS currency,
    NULL::DECIMAL(38,12) AS amount,
    CASE WHEN used_until >= ends THEN id || ': ' || bought_quantity || ' bought, ' || coalesce(used, 0) || ' used, no Unused row'
        ELSE id END AS what
FROM (SELECT bought.id, bought.ends, min(bought.place) AS place, sum(spent.number_of_rows) AS number_of_rows, min(bought.quantity) AS bought_quantity,
        sum(spent.used) AS used, sum(spent.unused) AS unused
    FROM (SELECT CommitmentDiscountId AS id, moment(ChargePeriodStart) AS begins, moment(ChargePeriodEnd) AS ends,
            sum(amount(CommitmentDiscountQuantity)) AS quantity, min(x__row) AS place
        FROM delivery WHERE ChargeCategory = 'Purchase' AND ChargeFrequency = 'Recurring' AND CommitmentDiscountId IS NOT NULL
        GROUP BY ALL) bought
    JOIN (SELECT CommitmentDiscountId AS id, moment(ChargePeriodStart) AS begins, sum(amount(CommitmentDiscountQuantity)) AS used,
            count_if(CommitmentDiscountStatus = 'Unused') AS unused, count(*) AS number_of_rows
        FROM delivery WHERE ChargeCategory = 'Usage' AND CommitmentDiscountId IS NOT NULL GROUP BY ALL) spent
        ON spent.id = bought.id AND spent.begins >= bought.begins AND spent.begins < bought.ends
    GROUP BY bought.id, bought.begins, bought.ends),
    (SELECT max(moment(ChargePeriodEnd)) AS used_until FROM delivery WHERE ChargeCategory = 'Usage' AND CommitmentDiscountId IS NOT NULL)
WHERE unused = 0 AND used IS NOT NULL AND bought_quantity IS NOT NULL
