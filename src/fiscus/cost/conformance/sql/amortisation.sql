-- Over the term of a commitment, what its Used and Unused rows amortise is what its purchases billed. The term lies within the
-- delivery where the Usage rows of its issuer reach both ends: whether its own do is what is asked. Rows of a month and
-- corrections say nothing of how far a delivery reaches. Less is amortised than billed once the term of all that was billed lies
-- within it. More is, once the commitment is seen to begin here: by a one-time purchase, or by a delivery that had begun before and
-- has nothing of it; else a part of its price was billed in a delivery before (partial upfront). Usage that runs past what was
-- billed, or a one-time purchase that ends before the fees do, shows that charge periods are not the term; a correction
-- of usage before it says nothing of the term. The rest stays open.
-- columns: CommitmentDiscountId CommitmentDiscountStatus ChargeCategory BilledCost EffectiveCost ChargePeriodStart ChargePeriodEnd
-- of: CommitmentDiscountId IS NOT NULL
SELECT status, place, number_of_rows, currency, abs(coalesce(amortised, 0) - billed) AS amount,
    CASE WHEN status = 'open' THEN id ELSE id || ': amortised ' || coalesce(amortised, 0) || ', billed ' || billed END AS what
FROM (SELECT term.*,
        CASE WHEN amortised - billed > gap AND used_first >= begins AND (at_once_until IS NOT NULL OR begins > used_from AND used_last <= ends)
            THEN 'broken'
            WHEN (ends <= used_until AND begins >= used_from) IS NOT TRUE THEN 'open'
            WHEN billed - coalesce(amortised, 0) > gap AND (used_last <= ends AND at_once_until >= ends AND corrected_first >= begins)
                IS NOT FALSE THEN 'broken'
            WHEN abs(coalesce(amortised, 0) - billed) <= gap THEN 'kept' ELSE 'open' END AS status
    FROM (SELECT *, greatest(0.01, subunit(currency), 0.000001 * abs(billed)) AS gap
        FROM (SELECT CommitmentDiscountId AS id, BillingCurrency AS currency, count(*) AS number_of_rows, min(x__row) AS place,
            coalesce(min(InvoiceIssuerName), '') AS issuer,
            sum(CASE WHEN ChargeCategory = 'Usage' AND CommitmentDiscountStatus IN ('Used', 'Unused') THEN amount(EffectiveCost) END)
                AS amortised,
            sum(CASE WHEN ChargeCategory = 'Purchase' THEN amount(BilledCost) END) AS billed,
            max(CASE WHEN ChargeCategory = 'Purchase' THEN moment(ChargePeriodEnd) END) AS ends,
            min(CASE WHEN ChargeCategory = 'Purchase' THEN moment(ChargePeriodStart) END) AS begins,
            max(CASE WHEN ChargeCategory = 'Usage' THEN moment(ChargePeriodEnd) END) AS used_last,
            min(CASE WHEN ChargeCategory = 'Usage' THEN moment(ChargePeriodStart) END) AS used_first,
            min(CASE WHEN ChargeCategory = 'Usage' AND ChargeClass = 'Correction' THEN moment(ChargePeriodStart) END) AS corrected_first,
            max(CASE WHEN ChargeCategory = 'Purchase' AND ChargeFrequency = 'One-Time' AND ChargeClass IS NULL AND number(BilledCost) > 0
                THEN moment(ChargePeriodEnd) END) AS at_once_until
        FROM delivery WHERE CommitmentDiscountId IS NOT NULL GROUP BY ALL)) term
    LEFT JOIN (SELECT issuer,
            coalesce(max(CASE WHEN within_days THEN ends_at END), max(ends_at)) AS used_until,
            coalesce(min(CASE WHEN within_days THEN begins_at END), min(begins_at)) AS used_from
        FROM (SELECT issuer, moment(ChargePeriodStart) AS begins_at, moment(ChargePeriodEnd) AS ends_at,
                CAST(moment(ChargePeriodEnd) AS DATE) <= CAST(moment(ChargePeriodStart) AS DATE) + 1 AS within_days
            FROM (SELECT DISTINCT coalesce(InvoiceIssuerName, '') AS issuer, ChargePeriodStart, ChargePeriodEnd
                FROM whole_delivery WHERE ChargeCategory = 'Usage' AND ChargeClass IS DISTINCT FROM 'Correction'))
        GROUP BY issuer) reach ON reach.issuer = term.issuer
    WHERE billed IS NOT NULL OR amortised IS NOT NULL)
